"""The part of the message templates that lists alerts: in plain text, events, HTML and Slack's markup."""

from dataclasses import dataclass

from exporter.core.reason import Reason

FULL = 5
"""Most alerts that have a line each; of more all are listed by name, and `EXAMPLES` have a line as well."""

EXAMPLES = 3
NAMES = 30
"""Most names in one line."""

# Control characters, and marks that change the direction of what follows: a label must not forge a line.
_CONTROL = r"[\x00-\x20\x7f-\x9f\x{200b}-\x{200f}\x{2028}-\x{202e}\x{2060}-\x{206f}\x{feff}]+"


@dataclass(frozen=True)
class _Style:
    """A way to write: what escapes a value, and what is around a list, a line and its time."""

    name: str
    escape: str = ""
    begin: str = ""
    end: str = ""
    line: str = "\n- {}"
    time: str = " ({})"

    def clean(self, value: str, most: int) -> str:
        """Return a template that writes a value in one line of at most so many characters."""
        return f"{{{{ {value} | reReplaceAll `{_CONTROL}` ` ` | printf `%.{most}s`{self.escape} }}}}"


# Slack reads <...> as a link or a call of everybody, and asks for these three entities alone.
_SLACK = " | reReplaceAll `&` `&amp;` | reReplaceAll `<` `&lt;` | reReplaceAll `>` `&gt;`"
_STYLES = (
    _Style("text"),
    # Alertmanager from 0.30 on sends a detail that reads as YAML as such a structure; a tab begins none.
    _Style("event", line="\n\t• {}"),
    _Style("slack", _SLACK, line="\n• {}"),
    _Style(
        "html",
        begin='\n<ul style="padding-left:20px;margin:8px 0">',
        end="\n</ul>",
        line='\n<li style="margin:4px 0">{}</li>',
        time=' <span class="quiet">{}</span>',
    ),
)


def line_templates() -> list[str]:
    """Return the definitions of `integration.<style>.clean`, `.line`, `.firing` and `.resolved`."""
    return [definition for style in _STYLES for definition in _definitions(style)]


def _definitions(style: _Style) -> list[str]:
    said = "(or .Annotations.description .Annotations.summary .Labels.alertname ``)"
    line = (
        f"{style.clean(said, 400)}{{{{ if .Annotations.reason }}}} Reason: "
        f"{style.clean('.Annotations.reason', 200)}.{{{{ end }}}}"
    )
    name = f"integration.{style.name}"
    return [
        _define(f"{name}.clean", style.clean(".", 400)),
        _define(f"{name}.line", line),
        _define(f"{name}.firing", _list(style, "", '{{ template "integration.since" . }}')),
        _define(f"{name}.resolved", _list(style, "was: ", '{{ template "integration.span" . }}')),
    ]


def _list(style: _Style, before: str, time: str) -> str:
    one = f'{before}{{{{ template "integration.{style.name}.line" . }}}}{style.time.format(time)}'
    example = style.line.format("{{ if $many }}for example: {{ end }}" + one)
    return (
        f"{{{{ $all := . }}}}{{{{ $many := gt (len .) {FULL} }}}}{style.begin}"
        f"{{{{ if $many }}}}{_by_reason(style)}{{{{ end }}}}"
        f"{{{{ range $index, $alert := . }}}}{{{{ if or (not $many) (lt $index {EXAMPLES}) }}}}"
        f"{{{{ with $alert }}}}{example}{{{{ end }}}}{{{{ end }}}}{{{{ end }}}}{style.end}"
    )


def _by_reason(style: _Style) -> str:
    """Return a template that writes, for each reason, how many alerts have it and their names in one line."""
    reasons = " ".join(f"`{reason}`" for reason in ("", *Reason))
    name = "(printf `%.64s` (or .Labels.tenant .Labels.integration .Labels.alertname))"
    # A template can neither count nor group: the length of a text of points is the count.
    collect = (
        "{{ $names := `` }}{{ $points := `` }}{{ range $all }}{{ if eq (or .Annotations.reason ``) $reason }}"
        f"{{{{ if lt (len $points) {NAMES} }}}}{{{{ if $names }}}}{{{{ $names = printf `%s, ` $names }}}}"
        f"{{{{ end }}}}{{{{ $names = printf `%s%s` $names {name} }}}}{{{{ end }}}}"
        "{{ $points = printf `%s.` $points }}{{ end }}{{ end }}"
    )
    names = (
        "{{ $share := printf `(%d of %d)` (len $points) (len $all) }}"
        "{{ if $reason }}{{ $reason }} {{ $share }}{{ else if eq (len $points) (len $all) }}all "
        "{{ len $all }}{{ else }}without a reason {{ $share }}{{ end }}: "
        f"{style.clean('$names', 2000)}{{{{ if gt (len $points) {NAMES} }}}}, ...{{{{ end }}}}"
    )
    return (
        f"{{{{ range $reason := stringSlice {reasons} }}}}{collect}"
        f"{{{{ if $points }}}}{style.line.format(names)}{{{{ end }}}}{{{{ end }}}}"
    )


def _define(name: str, body: str) -> str:
    return f'{{{{ define "{name}" }}}}{body}{{{{ end }}}}'
