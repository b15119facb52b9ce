//! One file for each endpoint, and for what several endpoints decide.

pub mod assertion;
pub mod authenticate;
pub mod authorize;
pub mod bearer;
pub mod device;
pub mod discovery;
pub mod id_token;
pub mod identity_assertion;
pub mod introspect;
pub mod jwt_bearer;
pub mod logout;
pub mod onward;
pub mod register;
pub mod revoke;
pub mod step_up;
pub mod token_endpoint;
pub mod token_exchange;
pub mod upstream;

#[cfg(test)]
mod tests;
