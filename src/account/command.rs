//! How the commands of an object travel and run.

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};

use crate::records::StorageError;

/// A command with its name on the way to the object. The table of an object's commands implements it.
pub trait Named: Serialize + DeserializeOwned {
    /// The name.
    const NAME: &'static str;
}

/// A command as it is sent: `{"name": {…}}`.
pub struct Sent<'c, C>(pub &'c C);

impl<C: Named> Serialize for Sent<'_, C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_variant("Request", 0, C::NAME, self.0)
    }
}

/// Turns the answer of any command into what the object replies.
pub trait Reply {
    /// What the object replies.
    type Reply;

    /// Turns one answer into it.
    fn reply<A: Serialize>(self, answer: Result<A, StorageError>) -> Self::Reply;
}

/// Declares the commands of one object: the enum that a received command is parsed into, one row a command with its
/// name on the way. `turn` is the type that runs them, generic over the storage.
macro_rules! commands {
    ($(#[$docs:meta])* $request:ident on $turn:ident { $($name:literal => $command:ident,)+ }) => {
        $(#[$docs])*
        #[derive(serde::Deserialize)]
        pub enum $request {
            $(
                #[doc = concat!("See [`", stringify!($command), "`].")]
                #[serde(rename = $name)]
                $command($command),
            )+
        }

        $(impl $crate::account::command::Named for $command {
            const NAME: &'static str = $name;
        })+

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
