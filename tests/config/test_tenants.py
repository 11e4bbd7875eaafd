"""Tenant files: read by pattern, and never able to reach for what is another's."""

import os

import pytest

from exporter.config.watch import Fingerprint
from tests.config.house import House

TEXT = "integrations:\n- name: a\n  provider: shop\n  interval: 1h\n  tenants: {files: [tenants/*]}\n"
STRICT = TEXT.replace("[tenants/*]", "[tenants/*], secrets_dir: secrets")


def rows(*options: str) -> str:
    return "".join(f"- {{id: t{index}, options: {{{text}}}}}\n" for index, text in enumerate(options))


def test_tenants_come_from_yaml_and_json_files_in_the_order_of_their_names(house: House) -> None:
    house.write(
        {
            "tenants/b.yml": "- {id: two, labels: {plan: gold}}\n",
            "tenants/a.json": '[\t{"id": "one", "options": {"api_key": "k\\u00e9y"}}\n]',
            "tenants/c.yaml": "",
            "tenants/d.yml": "# none yet\n[]\n",
        }
    )
    made = house.load(TEXT)
    assert list(made.targets) == [("a", "one"), ("a", "two")]
    assert made.targets["a", "one"].options.api_key.reveal() == "kéy"
    assert {str(house.folder / "tenants/*"), str(house.folder / "tenants/b.yml")} <= made.files


def test_a_pattern_that_matches_nothing_is_no_mistake(house: House) -> None:
    assert not house.load(TEXT).targets


def test_a_tenant_of_a_file_may_not_also_stand_in_the_list(house: House) -> None:
    house.write({"tenants/a.yml": "\n- id: x\n"})
    (mistake,) = house.mistakes(TEXT.replace("{files", "{list: [{id: x}], files"))
    assert (mistake.file, mistake.line) == (str(house.folder / "tenants/a.yml"), 2)
    assert "main.yml:5" in mistake.what


def test_files_of_the_operator_may_use_variables_and_name_any_secret_file(house: House) -> None:
    house.write({"tenants/a.yml": rows("api_key_file: k", "api_key: '${B}'"), "k": "key-a"})
    made = house.load(TEXT, B="key-b")
    assert [target.options.api_key.reveal() for target in made.targets.values()] == ["key-a", "key-b"]


def test_with_a_secrets_folder_rows_name_plain_files_in_it(house: House) -> None:
    house.write({"tenants/a.yml": rows("api_key_file: t0.key"), "secrets/t0.key": "key-a\n"})
    made = house.load(STRICT)
    assert made.targets["a", "t0"].options.api_key.reveal() == "key-a"
    assert str(house.folder / "secrets/t0.key") in made.files


@pytest.mark.parametrize(
    "name",
    [
        "../main.yml",
        "/etc/passwd",
        "sub/x",
        "..",
        ".",
        ".hidden",
        "a\\0b",
        "x" * 200,
        "a b",
        "~root",
        "new\\nline",
    ],
)
def test_with_a_secrets_folder_no_other_name_is_taken(house: House, name: str) -> None:
    house.write(
        {"tenants/a.yml": rows(f'api_key_file: "{name}"'), "secrets/sub/x": "k", "secrets/.hidden": "k"}
    )
    (mistake,) = house.mistakes(STRICT)
    assert "only plain file names" in mistake.what
    assert mistake.file.endswith("tenants/a.yml")


def test_a_link_out_of_the_secrets_folder_is_refused_and_one_inside_is_taken(house: House) -> None:
    house.write(
        {"tenants/a.yml": rows("api_key_file: inside"), "secrets/..data/inside": "key-a", "out": "key-b"}
    )
    (house.folder / "secrets/inside").symlink_to("..data/inside")
    assert house.load(STRICT).targets["a", "t0"].options.api_key.reveal() == "key-a"
    (house.folder / "secrets/inside").unlink()
    (house.folder / "secrets/inside").symlink_to("../out")
    (mistake,) = house.mistakes(STRICT)
    assert "leads out of" in mistake.what


def test_with_a_secrets_folder_a_row_may_not_read_the_environment(house: House) -> None:
    house.write({"tenants/a.yml": "- id: a\n  labels:\n    leak: ${STRIPE}\n", "secrets/x": ""})
    (mistake,) = house.mistakes(STRICT, STRIPE="planted-credential")
    assert (mistake.line, "may not use ${...}" in mistake.what) == (3, True)
    house.write({"tenants/a.yml": ""})
    house.write({"tenants/b.json": '[{"id": "a", "labels": {"leak": "${STRIPE}"}}]'})
    (mistake,) = house.mistakes(STRICT, STRIPE="planted-credential")
    assert "may not use ${...}" in mistake.what


@pytest.mark.parametrize("text", [TEXT, STRICT])
def test_two_tenants_may_not_name_one_secret_file(house: House, text: str) -> None:
    folder = "" if text == TEXT else "secrets/"
    house.write({"tenants/a.yml": rows("api_key_file: k"), f"{folder}k": "key", "secrets/keep": ""})
    house.load(text)
    house.write({"tenants/b.yml": "- {id: thief, options: {api_key_file: k}}\n"})
    first, second = house.mistakes(text)
    assert "named elsewhere for another" in first.what
    assert "thief" in second.what


def test_a_second_name_for_a_secret_file_does_not_help_a_thief(house: House) -> None:
    house.write({"tenants/a.yml": rows("api_key_file: k0", "api_key_file: k1"), "secrets/k0": "key"})
    os.link(house.folder / "secrets/k0", house.folder / "secrets/k1")
    assert len(house.mistakes(STRICT)) == 2


def test_a_row_may_not_name_the_secret_file_of_the_configuration_itself(house: House) -> None:
    house.write({"tenants/a.yml": rows("api_key_file: pager"), "secrets/pager": "key"})
    house.load(STRICT)
    (mistake,) = house.mistakes(STRICT + "notifications: {pagerduty: {routing_key_file: secrets/pager}}\n")
    assert mistake.file.endswith("tenants/a.yml")


def test_a_tenant_may_use_its_own_secret_file_in_several_integrations(house: House) -> None:
    house.write({"tenants/a.yml": rows("api_key_file: k"), "secrets/k": "key"})
    second = STRICT.removeprefix("integrations:\n").replace("name: a", "name: b")
    assert len(house.load(STRICT + second).targets) == 2


def test_tenants_of_the_list_are_the_operator_s_own_and_may_share_a_file(house: House) -> None:
    house.write({"k": "key"})
    text = "integrations:\n- name: a\n  provider: shop\n  interval: 1h\n  tenants:\n    list:\n"
    text += "".join(f"    - {{id: t{n}, options: {{api_key_file: k}}}}\n" for n in range(2))
    assert len(house.load(text).targets) == 2


def test_a_fingerprint_changes_with_every_file_that_matters(house: House) -> None:
    house.write({"tenants/a.yml": rows("api_key_file: t0.key"), "secrets/..one/t0.key": "key-a"})
    (house.folder / "secrets/..data").symlink_to("..one")
    (house.folder / "secrets/t0.key").symlink_to("..data/t0.key")
    files = house.load(STRICT).files
    states = [Fingerprint.of(files)]
    assert Fingerprint.of(files) == states[0]
    house.write({"tenants/b.yml": ""})
    states.append(Fingerprint.of(files))
    house.write({"tenants/a.yml": "[]"})
    states.append(Fingerprint.of(files))
    house.write({"secrets/..two/t0.key": "key-b"})
    (house.folder / "secrets/..new").symlink_to("..two")
    (house.folder / "secrets/..new").rename(house.folder / "secrets/..data")
    states.append(Fingerprint.of(files))
    house.main.unlink()
    states.append(Fingerprint.of(files))
    assert len(set(states)) == len(states)


def test_tenants_without_any_source_are_a_mistake_with_its_line(house: House) -> None:
    (mistake,) = house.mistakes(TEXT.replace("{files: [tenants/*]}", "{secrets_dir: .}"))
    assert (mistake.line, mistake.what) == (5, "tenants names no source")
    assert mistake.remedy == "add list:, files:, http: or sql:, or remove tenants"
