"""Alerts on the series that every target has, and on the exporter itself."""

from collections.abc import Mapping

from exporter.alerts.alertmanager import ANSWERS
from exporter.alerts.availability import AVAILABILITY
from exporter.alerts.call_limits import CALL_LIMITS
from exporter.alerts.intake import INTAKE
from exporter.alerts.measures import MEASURES
from exporter.alerts.pipeline import PIPELINE
from exporter.alerts.platform import PLATFORM
from exporter.alerts.process import PROCESS
from exporter.alerts.quotas import QUOTAS
from exporter.alerts.service_level import SERVICE_LEVEL
from exporter.alerts.sms import TEXT_MESSAGES
from exporter.alerts.tokens import TOKENS
from exporter.alerts.webhooks import WEBHOOKS
from exporter.core.common_metrics import INTEGRATION_SERIES, SHARED_SERIES, TARGET_SERIES
from exporter.core.escalation import ESCALATION_SERIES
from exporter.core.maintenance import MAINTENANCE_ACTIVE
from exporter.core.notice_metrics import NOTICE_SERIES
from exporter.core.signals import Signals
from exporter.core.sms_metrics import SMS_SERIES
from exporter.core.webhook_metrics import WEBHOOK_SERIES

COMMON_SOURCES: Mapping[str, Signals] = {
    "targets": Signals("Every target", metrics=TARGET_SERIES),
    "integrations": Signals("Every integration", metrics=INTEGRATION_SERIES),
    "shared": Signals("Shared by providers where they apply", metrics=SHARED_SERIES),
    "probes": Signals("Probes", alerts=(*AVAILABILITY, *MEASURES, *TOKENS)),
    "service_level": Signals("Service levels", alerts=SERVICE_LEVEL),
    "call_limits": Signals("Limits of calls", alerts=CALL_LIMITS),
    "pipeline": Signals("From finding to message", alerts=PIPELINE),
    "exporter": Signals("The exporter", alerts=(*PLATFORM, *PROCESS, *INTAKE)),
    "quotas": Signals("Quotas", alerts=QUOTAS),
    "webhooks": Signals("Webhooks", metrics=WEBHOOK_SERIES, alerts=WEBHOOKS),
    "notices": Signals("History of alerts", metrics=NOTICE_SERIES),
    "sms": Signals("Text messages", metrics=SMS_SERIES, alerts=TEXT_MESSAGES),
    "alertmanager": Signals(
        "What the exporter does to Alertmanager",
        metrics=(*ESCALATION_SERIES, MAINTENANCE_ACTIVE),
        alerts=ANSWERS,
    ),
}
"""What belongs to no provider, by the name of the source; alerts are in the rule file of that name."""
