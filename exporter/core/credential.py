"""How long the tokens of one credential serve and how often they are renewed: one rule for every grant."""

from dataclasses import dataclass

from exporter.core.errors import ProbeError
from exporter.core.reason import NETWORK, Reason
from exporter.core.token import FLOOR, NEVER, AccessToken, Grant, LongLivedGrant, MetaExchange, TokenSet

LONGEST_FLOOR = 3_600.0
"""Seconds between two renewals of a credential whose endpoint grants nothing but lives below `FLOOR`."""

UNDATED_FOR = 3_600.0
"""Seconds that an access token is used whose endpoint does not say when it expires."""

LEAST_LEAD = 300.0
"""Seconds before its expiry that the token of a client or a service account is renewed, at most."""

AFTER_EXPIRY = 2.0
"""Seconds after its expiry that a token is renewed which its endpoint hands out again until then.

What is left of a life comes in whole seconds, rounded down, and takes a while to come.
"""

REPLACED_EVERY = 300.0
"""Seconds between two replacements of a token that the probed server refuses before its time."""

FIRST_RETRY = 30.0
LONGEST_RETRY = 3_600.0
OUTAGE_RETRY = 300.0
"""Seconds to the next attempt after one failure, after many, and after many that are not a refusal."""


@dataclass(eq=False, kw_only=True)
class Credential:
    """The tokens of one grant, and when others may be asked for. Times are Unix seconds, None if never.

    `tokens` is None until it is known. `failures` counts refreshes that failed in a row, `error` is the last
    one, `retry_at` the end of the back-off. `renewed_at` is the last refresh that succeeded here,
    `short_lives` how many in a row brought a token that expires within `FLOOR`. `repeats`: the endpoint hands
    out the same token until it expires.
    """

    grant: Grant
    tokens: TokenSet | None = None
    first_use: float = 0.0
    failures: int = 0
    error: ProbeError | None = None
    retry_at: float = 0.0
    renewed_at: float | None = None
    short_lives: int = 0
    repeats: bool = False
    replaced_at: float | None = None

    @property
    def spread(self) -> float:
        """A number from 0 to 1 that is this credential's own, so that not all fall due at once."""
        return 0.0

    @property
    def longest_lead(self) -> float:
        """How many seconds before its expiry a token is renewed, at most."""
        return LEAST_LEAD

    @property
    def long_lived(self) -> bool:
        """Whether what was handed out last is needed to ask for the next token."""
        return isinstance(self.grant, LongLivedGrant)

    @property
    def refused(self) -> bool:
        """Whether only a person can help."""
        return self.tokens is not None and self.tokens.refused

    def use(self, tokens: TokenSet, now: float) -> None:
        """Make `tokens` the tokens in use."""
        if not tokens.same(self.tokens):
            self.first_use = now
        self.tokens = tokens

    def record_success(self, now: float) -> None:
        """Count a refresh that succeeded, once its tokens are those in use."""
        self.reset_failures()
        tokens = self.tokens or TokenSet()
        # A long-lived token that is handed out in its last seconds counts too: what is left is what matters.
        brief = tokens.expiry is not None and tokens.expiry - (tokens.obtained or now) < FLOOR
        self.short_lives = self.short_lives + 1 if tokens.implausible or brief else 0
        self.renewed_at = now

    def note_repetition(self, before: TokenSet | None, now: float) -> None:
        """See whether the endpoint hands out again what it handed out `before`, shortly before its expiry."""
        if before is None or not before.access or before.expiry is None:
            return
        # Only near the expiry: any endpoint may hand out a young token twice.
        if before.expiry - 2 * self._lead(before, before.expiry) <= now < before.expiry:
            self.repeats = self.tokens is not None and self.tokens.access == before.access

    def reset_failures(self) -> None:
        """Forget failures: they were of other tokens, or are over."""
        self.failures, self.error, self.retry_at = 0, None, 0.0

    def record_failure(self, error: ProbeError, now: float) -> None:
        """Count a refresh that failed; the next one waits for twice as long, or as the vendor asks."""
        self.failures += 1
        self.error = error
        # An hour's wait after an outage helps no user; only a refusal comes again and again.
        longest = OUTAGE_RETRY if error.reason in {*NETWORK, Reason.VENDOR_ERROR} else LONGEST_RETRY
        wait = min(longest, FIRST_RETRY * 2.0 ** min(self.failures - 1, 10))
        # Spread, so that credentials that failed together do not come back together.
        self.retry_at = now + max(wait * (1 + 0.2 * self.spread), error.retry_after or 0.0)

    @property
    def floor(self) -> float:
        """Seconds between two renewals, whatever the endpoint says of lives."""
        return min(LONGEST_FLOOR, FLOOR * 2.0 ** min(max(0, self.short_lives - 1), 10))

    def next_renewal(self, now: float) -> float:
        """Return when the next renewal may be: after the back-off, and never before the floor."""
        if self.renewed_at is None or not _is_within(self.renewed_at, self.floor, now):
            return self.retry_at
        return max(self.retry_at, self.renewed_at + self.floor)

    def may_renew(self, now: float) -> bool:
        """Return whether a renewal may be now."""
        return now >= self.next_renewal(now)

    def alive(self, now: float) -> bool:
        """Return whether there is an access token that may still be good."""
        tokens = self.tokens
        if tokens is None or not tokens.access:
            return False
        if isinstance(self.grant, MetaExchange):
            return True  # the vendor itself says best what is wrong with an old one
        if tokens.expiry is None:
            return now - (tokens.obtained or self.first_use) < UNDATED_FOR
        return now < tokens.expiry + (AFTER_EXPIRY if self.repeats else 0.0)

    def usable(self, now: float) -> bool:
        """Return whether a probe gets the token: even an expired one, if only the floor forbids another."""
        tokens = self.tokens
        if self.alive(now):
            return True
        if tokens is None or not tokens.access:
            return False
        return not (tokens.refused or self.failures or self.may_renew(now))

    @property
    def renew_at(self) -> float | None:
        """When the token is to be renewed by itself, None where its expiry is unknown."""
        tokens = self.tokens
        if tokens is None or tokens.expiry is None or tokens.expiry == NEVER or tokens.implausible:
            return None
        if self.repeats:
            return tokens.expiry + AFTER_EXPIRY
        return tokens.expiry - self._lead(tokens, tokens.expiry) * (1 + 0.1 * self.spread)

    def _lead(self, tokens: TokenSet, expiry: float) -> float:
        # It is unknown when a configured token was issued, so a tenth of its life is not known either.
        if tokens.obtained is None and isinstance(self.grant, MetaExchange):
            return self.longest_lead
        return min(self.longest_lead, max(0.0, expiry - (tokens.obtained or self.first_use)) / 10)

    def due(self, now: float) -> bool:
        """Return whether the token is to be renewed now."""
        renew_at = self.renew_at
        return renew_at is not None and now >= renew_at and self.may_renew(now)

    def must_wait(self, now: float) -> bool:
        """Return whether a probe must wait for a new token; Meta's is exchanged apart from probing alone."""
        if isinstance(self.grant, MetaExchange) or self.refused:
            return False
        return self.may_renew(now) and (not self.alive(now) or self.due(now))

    def replaceable(self, refused: AccessToken | None, now: float) -> bool:
        """Return whether another token may be asked for because the probed server refuses this one."""
        tokens = self.tokens
        if refused is None or tokens is None or refused.value != tokens.access or self.refused:
            return False
        if isinstance(self.grant, MetaExchange) or now < self.retry_at:
            return False
        # A server that refuses an expired token behaves as it should: the wait is not for it.
        if self._expired(now) and not _is_within(self.renewed_at, FLOOR, now):
            return True
        return not _is_within(self.replaced_at, REPLACED_EVERY, now)

    def note_replacement(self, now: float) -> None:
        """Remember that a token is replaced now; a server that refuses an expired one confirms its life."""
        if self._expired(now):
            self.short_lives = 0
        self.replaced_at = now

    def _expired(self, now: float) -> bool:
        return self.tokens is not None and self.tokens.expiry is not None and now >= self.tokens.expiry

    def token(self, *, fresh: bool = False) -> AccessToken:
        """Return the access token as a check gets it."""
        tokens = self.tokens or TokenSet()
        expiry = None if tokens.expiry == NEVER or tokens.implausible else tokens.expiry
        return AccessToken(tokens.access, expiry, fresh, tokens.scopes)


def _is_within(moment: float | None, span: float, now: float) -> bool:
    """Return whether `moment` was less than `span` seconds ago; not where the clock was put back since."""
    return moment is not None and 0 <= now - moment < span
