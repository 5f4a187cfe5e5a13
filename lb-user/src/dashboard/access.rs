//! Who may do what: the one place that decides it.

use crate::control::role::Role;
use axum::http::Method;
use serde::Serialize;

/// What a visitor may do, and what a request takes. Each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Access {
    /// See the page, without anything in it, and log in.
    Nothing,
    /// See numbers.
    Numbers,
    /// See single flows, and the addresses of clients.
    Flows,
    /// Change something, and see packets themselves.
    Operate,
}

/// Who comes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visitor {
    /// Nobody can come from another machine.
    pub(super) is_local: bool,
    /// What a certificate lets its holder do, if there is one.
    pub(super) certificate: Option<Role>,
    /// Whether the visitor has shown the token.
    pub(super) has_logged_in: bool,
}

impl Visitor {
    pub(super) fn access(self) -> Access {
        match self.certificate {
            _ if self.has_logged_in => Access::Operate,
            Some(Role::Admin) => Access::Operate,
            Some(Role::ReadOnly) => Access::Flows,
            None if self.is_local => Access::Numbers,
            None => Access::Nothing,
        }
    }
}

/// What a request takes; `None` where the dashboard does not pass it on, whoever comes: the page has no use for it.
pub(super) fn needed(method: &Method, path: &str) -> Option<Access> {
    if path == "/session" {
        return Some(Access::Nothing);
    }
    if method == Method::POST {
        return (path == "/v1/override").then_some(Access::Operate);
    }
    if method != Method::GET && method != Method::HEAD {
        return None;
    }
    match path {
        "/v1/history" | "/v1/live" | "/v1/events" => Some(Access::Numbers),
        "/v1/explain" => Some(Access::Flows),
        "/v1/capture" => Some(Access::Operate),
        "/" => Some(Access::Nothing),
        _ if path.starts_with("/assets/") => Some(Access::Nothing),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_for_the_machine_and_all_else_is_for_who_shows_something() {
        let visitor = |is_local, certificate, has_logged_in| Visitor { is_local, certificate, has_logged_in }.access();
        assert_eq!(visitor(true, None, false), Access::Numbers);
        assert_eq!(visitor(false, None, false), Access::Nothing);
        for is_local in [true, false] {
            assert_eq!(visitor(is_local, None, true), Access::Operate);
            assert_eq!(visitor(is_local, Some(Role::ReadOnly), false), Access::Flows);
            assert_eq!(visitor(is_local, Some(Role::ReadOnly), true), Access::Operate);
            assert_eq!(visitor(is_local, Some(Role::Admin), false), Access::Operate);
        }
    }

    #[test]
    fn what_changes_something_and_what_shows_clients_takes_more_than_numbers() {
        let get = |path| needed(&Method::GET, path);
        for path in ["/v1/history", "/v1/live", "/v1/events"] {
            assert_eq!(get(path), Some(Access::Numbers), "{path}");
        }
        assert_eq!([get("/v1/explain"), get("/v1/capture")], [Some(Access::Flows), Some(Access::Operate)]);
        assert_eq!(needed(&Method::POST, "/v1/override"), Some(Access::Operate));
        assert_eq!([get("/"), get("/assets/app.js"), needed(&Method::POST, "/session")], [Some(Access::Nothing); 3]);
    }

    #[test]
    fn what_the_page_has_no_use_for_is_not_passed_on() {
        for path in ["/v1/stop", "/v1/apply", "/v1/rollback", "/v1/tickets/revoke", "/v1/history", "/assets/app.js"] {
            assert_eq!(needed(&Method::POST, path), None, "{path}");
        }
        for path in ["/v1/trace", "/v1/flows", "/v1/status", "/metrics", "/v1/override/", "/v1/anything"] {
            assert_eq!(needed(&Method::GET, path), None, "{path}");
        }
        assert_eq!(needed(&Method::DELETE, "/v1/override"), None);
    }
}
