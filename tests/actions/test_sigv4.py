"""Signature Version 4 by the vectors that AWS publishes."""

from exporter.actions._sigv4 import sign, signing_key
from exporter.core.secret import Secret

KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
NOW = 1_440_938_160.0  # 20150830T123600Z


def test_the_key_of_a_day_is_that_of_the_documentation() -> None:
    # "Create a signed AWS API request", the example of IAM.
    found = signing_key(KEY, "20150830", "us-east-1", "iam").hex()
    assert found == "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"


def test_a_form_is_signed_as_in_the_test_suite() -> None:
    # aws-sig-v4-test-suite: post-x-www-form-urlencoded
    headers = dict(
        sign(
            b"Param1=value1",
            ("example.amazonaws.com", "/"),
            NOW,
            "us-east-1",
            "service",
            ("AKIDEXAMPLE", Secret(KEY)),
        )
    )
    authorization = headers.pop("Authorization")
    assert isinstance(authorization, Secret)
    assert authorization.reveal() == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
    )
    assert headers == {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Amz-Date": "20150830T123600Z",
    }
