//! The rules of one grant in another form: not as a stage, but as the issue times of its tokens.

use edgemint::oauth::grant::GrantRefusal::{self, *};
use edgemint::oauth::grant::Lifetimes;

use super::history::{Ask, Left, Limits};

/// The durable changes of a grant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    issued: Option<u64>,
    redeemed: Option<u64>,
    /// The issue time of each refresh token, the first one first.
    births: Vec<u64>,
    /// The time of the last use of a refresh token, or the issue time of the first one.
    used: u64,
    ended: bool,
}

/// A request, reduced to what decides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) owner: bool,
    pub(crate) session_is_active: bool,
    pub(crate) limits: Limits,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Allow,
    Redeem { verifier: bool, uri: bool, refreshable: bool },
    Refresh { generation: u64, rotate: bool, scope: Ask, resources: Ask },
    Revoke,
}

/// The required response, and the change of the grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Issued,
    /// It was issued before.
    StillIssued,
    /// Tokens with this issue time; a change is stored unless the response is a replay.
    Tokens {
        generation: u64,
        at: u64,
        repeated: bool,
    },
    Refused(GrantRefusal),
    /// Refused, and the grant is revoked.
    RefusedForGood(GrantRefusal),
    /// It is revoked, as requested.
    Ended,
    /// It was revoked before.
    HadEnded,
}

/// The terms of a grant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) offline: bool,
    pub(crate) lifetimes: Lifetimes,
}

impl Ledger {
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    pub(crate) fn is_issued(&self) -> bool {
        self.issued.is_some()
    }

    /// The current refresh token; 0 for none.
    pub(crate) fn newest(&self) -> u64 {
        self.births.len() as u64
    }

    /// The required response.
    pub(crate) fn verdict(&self, terms: &Terms, question: &Question, now: u64) -> Verdict {
        let lifetimes = &terms.lifetimes;
        let repeats = |then: u64| lifetimes.replay_window != 0 && now <= then + lifetimes.replay_window;
        let Some(issued) = self.issued.filter(|_| !self.ended) else {
            return match question.kind {
                Kind::Allow => Verdict::Issued,
                Kind::Revoke => Verdict::HadEnded,
                Kind::Redeem { .. } | Kind::Refresh { .. } => Verdict::Refused(GrantUnknown),
            };
        };
        let limits = &question.limits;
        let homeless = !limits.offline && !question.session_is_active;
        let lost = match (limits.take_everything() || homeless, limits.exact) {
            _ if limits.client_disabled => Some(Verdict::Refused(ClientDisabled)),
            _ if limits.user_disabled => Some(Verdict::Refused(UserDisabled)),
            (false, _) => None,
            (true, true) => Some(Verdict::RefusedForGood(RightsLost)),
            (true, false) => Some(Verdict::Refused(RightsLost)),
        };
        let end = match (self.redeemed, self.births.is_empty()) {
            (None, _) => issued + lifetimes.code,
            (Some(redeemed), true) => redeemed + lifetimes.access,
            (Some(_), false) => (issued + lifetimes.refresh).min(self.used + lifetimes.refresh_idle),
        };
        let expired = now >= end || !(terms.offline || question.session_is_active);
        if !question.owner {
            return Verdict::Refused(GrantOfAnother);
        }
        match (question.kind, self.redeemed) {
            (Kind::Allow, None) if now < end => Verdict::StillIssued,
            (Kind::Allow, _) => Verdict::Refused(CodeSpent),
            (Kind::Revoke, _) => Verdict::Ended,
            (Kind::Redeem { verifier: false, .. }, _) => Verdict::Refused(CodeVerifier),
            (Kind::Redeem { .. }, Some(then)) if repeats(then) => Verdict::Refused(CodeSpent),
            (Kind::Redeem { .. }, Some(_)) => Verdict::RefusedForGood(CodeReused),
            (Kind::Redeem { .. }, None) if expired => Verdict::RefusedForGood(GrantExpired),
            (Kind::Redeem { uri: false, .. }, None) => Verdict::Refused(CodeRedirect),
            (Kind::Redeem { refreshable, .. }, None) => {
                let answer = Verdict::Tokens { generation: u64::from(refreshable), at: now, repeated: false };
                lost.unwrap_or(answer)
            }
            (Kind::Refresh { .. }, None) => Verdict::Refused(GrantUnknown),
            (Kind::Refresh { .. }, Some(_)) if expired => Verdict::RefusedForGood(GrantExpired),
            (Kind::Refresh { generation, .. }, _) if self.births.is_empty() || generation > self.newest() => {
                Verdict::Refused(GrantUnknown)
            }
            (Kind::Refresh { generation, rotate, scope, resources }, Some(_)) => {
                let successor = self.births.get(generation as usize).copied();
                let is_last_but_one = generation + 1 == self.newest();
                let answer = match successor {
                    None if rotate => Verdict::Tokens { generation: generation + 1, at: now, repeated: false },
                    None => Verdict::Tokens { generation, at: now, repeated: false },
                    Some(then) if is_last_but_one && repeats(then) => {
                        Verdict::Tokens { generation: generation + 1, at: then, repeated: true }
                    }
                    Some(_) => return Verdict::RefusedForGood(RefreshReused),
                };
                let no_scope = scope == Ask::TooMuch || (scope == Ask::Part && !limits.allow("write"));
                let no_resource = match resources {
                    Ask::Nothing => false,
                    Ask::Part => limits.resources != Left::All,
                    Ask::TooMuch => true,
                };
                match lost {
                    Some(lost) => lost,
                    None if no_scope => Verdict::Refused(Scope),
                    None if no_resource => Verdict::Refused(Resource),
                    None => answer,
                }
            }
        }
    }

    /// Records a stored change.
    pub(crate) fn note(&mut self, question: &Question, verdict: Verdict, now: u64) {
        match verdict {
            Verdict::Issued => self.issued = Some(now),
            Verdict::RefusedForGood(_) | Verdict::Ended => self.ended = true,
            Verdict::Tokens { generation, repeated: false, .. } => {
                if matches!(question.kind, Kind::Redeem { .. }) {
                    self.redeemed = Some(now);
                }
                self.used = now;
                if generation > self.newest() {
                    self.births.push(now);
                }
            }
            Verdict::Tokens { repeated: true, .. } | Verdict::StillIssued | Verdict::Refused(_) | Verdict::HadEnded => {
            }
        }
    }
}
