//! Who the user is: passwords, passkeys, and how often somebody may try. Pure: no waiting, no clock, no storage.
