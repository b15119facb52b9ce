//! How the commands of a Durable Object travel and run.

use serde::de::{DeserializeOwned, MapAccess};
use serde::{Serialize, Serializer};

use crate::records::StorageError;

/// A command of a Durable Object. The table of the object's commands implements it.
pub trait Command: Serialize + DeserializeOwned {
    /// The name of the command on the wire.
    const NAME: &'static str;
    /// The namespace of the objects that run it.
    type Namespace;
    /// The answer.
    type Answer: Serialize + DeserializeOwned;
}

/// The namespace of accounts: one object each.
pub enum Accounts {}

/// The namespace of device codes: one object each.
pub enum Devices {}

/// The namespace of sign-in names, upstream subjects and blocks of network addresses: one object each.
pub enum Identifiers {}

/// A command as it is sent: `{"name": {…}}`.
pub struct Sent<'c, C>(pub &'c C);

impl<C: Command> Serialize for Sent<'_, C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_variant("Request", 0, C::NAME, self.0)
    }
}

/// Reads the fields of a command that was sent. Compiled apart for each command: an isolate compiles the readers that it uses.
///
/// # Errors
/// The fields are not those of the command.
#[inline(never)]
pub(crate) fn read_fields<'de, A: MapAccess<'de>, C: DeserializeOwned>(sent: &mut A) -> Result<C, A::Error> {
    sent.next_value()
}

/// Turns the answer of any command into what the object replies.
pub trait Reply {
    /// What the object replies.
    type Reply;

    /// Turns one answer into it.
    fn reply<A: Serialize>(self, answer: Result<A, StorageError>) -> Self::Reply;
}

/// Declares the commands of a namespace, one row a command: its name on the wire, the command, its answer. Also declares the
/// enum that a received command is parsed into.
macro_rules! command_table {
    (
        $(#[$docs:meta])*
        $visibility:vis $request:ident in $namespace:ty { $($name:literal => $command:ident -> $answer:ty,)+ }
    ) => {
        $(#[$docs])*
        $visibility enum $request {
            $(
                #[doc = concat!("See [`", stringify!($command), "`].")]
                $command($command),
            )+
        }

        impl<'de> serde::Deserialize<'de> for $request {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Reader;

                impl<'de> serde::de::Visitor<'de> for Reader {
                    type Value = $request;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("a command and its fields")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut sent: A) -> Result<$request, A::Error> {
                        let name: Option<String> = sent.next_key()?;
                        match name.as_deref().unwrap_or_default() {
                            $( $name => $crate::account::command::read_fields(&mut sent).map($request::$command), )+
                            other => Err(serde::de::Error::unknown_variant(other, &[$($name),+])),
                        }
                    }
                }

                deserializer.deserialize_map(Reader)
            }
        }

        $(
            impl $crate::account::command::Command for $command {
                const NAME: &'static str = $name;
                type Namespace = $namespace;
                type Answer = $answer;
            }
        )+
    };
}
pub(crate) use command_table;

/// Declares the commands of a namespace whose objects decide in one synchronous turn. `turn` is the type that runs them,
/// generic over the storage.
macro_rules! commands {
    (
        $(#[$docs:meta])*
        $request:ident in $namespace:ty, on $turn:ident { $($name:literal => $command:ident -> $answer:ty,)+ }
    ) => {
        $crate::account::command::command_table! {
            $(#[$docs])*
            pub $request in $namespace { $($name => $command -> $answer,)+ }
        }

        impl $request {
            /// Runs the command in this turn.
            pub fn run<R: $crate::records::Records, P: $crate::account::command::Reply>(
                self,
                turn: &$turn<'_, R>,
                reply: P,
            ) -> P::Reply {
                match self {
                    $(Self::$command(command) => reply.reply(turn.run(command)),)+
                }
            }
        }
    };
}
pub(super) use commands;
