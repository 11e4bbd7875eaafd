"""When an operator must look after a Resend account; its quotas have alerts that all providers share."""

from exporter.core.alert import BY, WHO, Alert, Runbook
from exporter.core.metric import Metric
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily
from exporter.probes.resend import cases
from exporter.probes.resend import metrics as m

BOUNCE = ThresholdFamily(
    "email_bounce_ratio",
    "Share of the e-mails of 24 hours that bounced, above which they count as too many.",
    {Severity.MEDIUM: 0.05, Severity.HIGH: 0.10},
    unit="ratio",
    maximum=1.0,
)
LEAST_EMAILS = 50
"""E-mails in the window below which a share says nothing."""


def _last(metric: Metric, matchers: str) -> str:
    return f"last_over_time({metric}{matchers}[$lookback])"


DOMAIN_FAILED = Alert(
    name="IntegrationResendDomainFailed",
    summary="A sending domain has lost its verification.",
    description=f"Sending domains of {WHO} that have failed: {{{{ $value }}}}; their e-mails are refused.",
    # Summed over the statuses within one replica first, then collapsed over the replicas.
    expr=(
        f"max by ({BY}) (\n  sum without (status) (\n    "
        + _last(m.DOMAINS, '{status=~"failed|partially_failed"}')
        + "\n  )\n) > 0"
    ),
    severities=(Severity.HIGH,),
    dashboard="integration-resend",
    cases=cases.DOMAIN_FAILED,
    runbook=Runbook(
        meaning=(
            "At least one domain of the account has the status `failed` or `partially_failed`: Resend does "
            "not find the DNS records (SPF, DKIM) that it asks for. It is looked at every 15 minutes."
        ),
        impact="Resend refuses e-mails from that domain, or they end as spam.",
        diagnosis=(
            "1. In Resend, Domains: which domain, which record, since when?\n"
            "2. `dig TXT resend._domainkey.DOMAIN` and `dig TXT send.DOMAIN`: are the records there, and "
            "are they the ones that Resend shows?\n"
            "3. Did the domain move to another name server, or did it expire?"
        ),
        mitigation=(
            "Put the records back and start the verification in Resend. A domain that is no longer used "
            "belongs into `ignore_domains` of the integration's options."
        ),
    ),
)

DOMAIN_LOSING = Alert(
    name="IntegrationResendDomainTemporaryFailure",
    summary="The DNS records of a sending domain are gone.",
    description=f"Sending domains of {WHO} that lose their verification within 72 hours: {{{{ $value }}}}.",
    expr=f"max by ({BY}) (" + _last(m.DOMAINS, '{status="temporary_failure"}') + ") > 0",
    severities=(Severity.MEDIUM,),
    dashboard="integration-resend",
    cases=cases.DOMAIN_LOSING,
    runbook=Runbook(
        meaning=(
            "At least one domain of the account has the status `temporary_failure`: it was verified, and "
            "Resend no longer finds its DNS records (SPF, DKIM). It goes on looking for 72 hours, then the "
            "domain is `failed`. It is read every 15 minutes."
        ),
        impact="E-mails from that domain may end as spam; after 72 hours Resend refuses them.",
        diagnosis=(
            "1. In Resend, Domains: which domain, which record?\n"
            "2. `dig TXT resend._domainkey.DOMAIN` and `dig TXT send.DOMAIN`: are the records there?\n"
            "3. Did the domain move to another name server, or does its name server fail?"
        ),
        mitigation=(
            "Put the records back before the 72 hours are over; Resend finds them by itself. A domain that "
            "is no longer used belongs into `ignore_domains` of the integration's options."
        ),
    ),
)

WEBHOOK_DISABLED = Alert(
    name="IntegrationResendWebhookEndpointDisabled",
    summary="Resend no longer calls one of our webhook endpoints.",
    description=f"Disabled webhook endpoints of {WHO}: {{{{ $value }}}}; no event reaches them.",
    expr=f"max by ({BY}) (" + _last(m.WEBHOOK_ENDPOINTS, '{status="disabled"}') + ") > 0",
    severities=(Severity.CRITICAL,),
    dashboard="integration-resend",
    cases=cases.WEBHOOK_DISABLED,
    runbook=Runbook(
        meaning=(
            "A webhook endpoint of the account has the status `disabled`. Resend disables one whose "
            "deliveries fail for days; a person can disable one too. It is looked at every hour."
        ),
        impact=(
            "Bounces, complaints and deliveries are not sent: the platform goes on writing to addresses "
            "that do not exist, and the sender's reputation suffers."
        ),
        diagnosis=(
            "1. In Resend, Webhooks: which endpoint, and what did its last attempts answer?\n"
            "2. Does its URL answer 2xx, with a valid certificate and without a redirect?\n"
            "3. Did its signing secret change without the application being updated?"
        ),
        mitigation=(
            "Fix the endpoint, enable it in Resend and replay what was missed. One that is disabled on "
            "purpose belongs into `ignore_webhook_endpoints` of the integration's options."
        ),
    ),
)

_SENT = _last(m.EMAILS, '{outcome="sent"}')
_BOUNCED = _last(m.EMAILS, '{outcome="bounced"}')

BOUNCES_HIGH = Alert(
    name="IntegrationResendBouncesHigh",
    summary="Many e-mails bounce.",
    description=f"{{{{ $value | humanizePercentage }}}} of the e-mails of {WHO} in 24 hours bounced.",
    # The ratio is formed within one replica: two replicas look at windows that ended at different times.
    observed=f"max by ({BY}) ({_BOUNCED} / ignoring (outcome) ({_SENT} >= {LEAST_EMAILS}))",
    family=BOUNCE,
    dashboard="integration-resend",
    cases=cases.BOUNCES,
    runbook=Runbook(
        meaning=(
            "The share of the last 24 hours' e-mails that bounced is above the threshold "
            f"`email_bounce_ratio`, and at least {LEAST_EMAILS} were sent. It is read every hour."
        ),
        impact=(
            "Mailbox providers trust the domain less with every bounce; Resend may stop the account that "
            "sends too many of them."
        ),
        diagnosis=(
            "1. Which e-mails bounce: one campaign, one receiving domain, or all?\n"
            "2. Permanent bounces point to an old or bought list or to sign-ups by robots; transient ones to "
            "full mailboxes or a block.\n"
            "3. See IntegrationResendDomainFailed: a lost record makes receivers refuse."
        ),
        mitigation=(
            "Stop the campaign, remove the addresses that bounced for good, and confirm new addresses "
            "before writing to them a second time."
        ),
    ),
)

ALERTS = (DOMAIN_FAILED, DOMAIN_LOSING, WEBHOOK_DISABLED, BOUNCES_HIGH)
