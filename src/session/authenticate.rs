//! A newer token on a connection that is there already, and one that no longer counts.

use super::{CloseReason, Deed, Ending, ErrorCode, Expiry, Failure, Output, Session, Time, server};

impl Session {
    /// Extends the connection, if the token is of the same user; its role counts from here on.
    pub(super) fn authenticate(
        &mut self,
        token: &str,
        id: Option<String>,
        time: Time,
        out: &mut Vec<Output>,
    ) {
        let id = id.as_deref();
        if let Err(limited) = self.within_rate(time) {
            self.refuse_token(limited, id, time, out);
            if self.refusals.full(time.now) {
                self.close(CloseReason::RateLimited, out);
            }
            return;
        }
        let verifier = self.terms.verifier.borrow().clone();
        match verifier.verify(token, time.unix) {
            Ok(principal) if principal.user_id == self.principal.user_id => {
                if principal.operator().is_none() {
                    // Who may no longer drive does not go on driving, nor does what is still on its way: the old link is lost.
                    self.link = self.terms.latch.link(self.caller.connection);
                }
                self.expiry = Expiry::of(&principal, time);
                out.push(Output::Renewed {
                    role: principal.role,
                    expires_at: principal.expires_at,
                });
                out.push(Output::Send(server::authenticated(
                    principal.role,
                    principal.expires_at,
                    id,
                    time.unix,
                )));
                self.principal = principal;
                let accepted = Ok("Token accepted".to_owned());
                self.record(Deed::Authenticate, Ending::Answered(accepted), time, out);
                // Who may drive now has to be able to prove that it is there.
                self.liveness.hurry(time.now);
            }
            refused => {
                let text = match refused {
                    Ok(_) => "Token belongs to another user",
                    Err(_) => CloseReason::InvalidToken.text(),
                };
                self.refuse_token(Failure::new(ErrorCode::Unauthorized, text), id, time, out);
                if self.errors.full(time.now) {
                    self.close(CloseReason::TooManyErrors, out);
                }
            }
        }
    }

    /// Who would not be let in any more goes, as with a token that ran out.
    pub(super) fn check_access(&mut self, out: &mut Vec<Output>) {
        let verdict = self.terms.verifier.borrow().still_accepts(&self.principal);
        if verdict.is_err() {
            self.close(CloseReason::TokenRevoked, out);
        }
    }

    fn refuse_token(&self, failure: Failure, id: Option<&str>, time: Time, out: &mut Vec<Output>) {
        out.push(Output::Send(server::error(failure.code, &failure.message, id, time.unix)));
        self.record(Deed::Authenticate, Ending::Answered(Err(failure)), time, out);
    }
}
