//! Records in a map. An operation of a turn can be made to fail, before or after it did its work.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use edgemint::records::{self, Records, StorageError, Table};
use edgemint::token::UnixTime;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::random::Random;

/// The failure of one operation of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The number of the operation, the first is 0.
    pub(crate) at: u32,
    /// Whether a write is stored despite the failure.
    pub(crate) after: bool,
    /// Whether the platform discards the writes of the turn, as it does when an object is restarted. Otherwise earlier writes stay.
    pub(crate) discards: bool,
}

impl Fault {
    /// A fault of one of the first `operations`, in `percent` of the turns.
    pub(crate) fn random(random: &mut Random, percent: u64, operations: u64) -> Option<Self> {
        random.chance(percent).then(|| Self {
            at: u32::try_from(random.below(operations)).unwrap(),
            after: random.chance(50),
            discards: random.chance(30),
        })
    }
}

type Rows = BTreeMap<(Table, String), (Option<UnixTime>, String)>;

/// The records of one object.
#[derive(Default)]
pub(crate) struct Storage {
    rows: RefCell<Rows>,
    before_turn: RefCell<Rows>,
    fault: Cell<Option<Fault>>,
    operations: Cell<u32>,
}

impl Storage {
    /// Starts a turn.
    pub(crate) fn begin(&self, fault: Option<Fault>) {
        self.fault.set(fault);
        self.operations.set(0);
        if fault.is_some_and(|fault| fault.discards) {
            *self.before_turn.borrow_mut() = self.rows.borrow().clone();
        }
    }

    /// Ends the turn. Returns whether the fault occurred.
    pub(crate) fn end(&self) -> bool {
        let occurred = self.fault.take().filter(|fault| self.operations.get() > fault.at);
        if occurred.is_some_and(|fault| fault.discards) {
            *self.rows.borrow_mut() = self.before_turn.take();
        }
        occurred.is_some()
    }

    /// The records of a kind, without faults.
    pub(crate) fn peek<T: DeserializeOwned>(&self, table: Table) -> Vec<(String, T)> {
        let rows = self.rows.borrow();
        rows.iter()
            .filter(|((kind, _), _)| *kind == table)
            .map(|((_, id), (_, text))| (id.clone(), parse(text)))
            .collect()
    }

    /// One record, without faults.
    pub(crate) fn peek_one<T: DeserializeOwned>(&self, table: Table, id: &str) -> Option<T> {
        self.rows.borrow().get(&(table, id.to_owned())).map(|(_, text)| parse(text))
    }

    /// The stored text of a record.
    pub(crate) fn text(&self, table: Table, id: &str) -> Option<String> {
        self.rows.borrow().get(&(table, id.to_owned())).map(|(_, text)| text.clone())
    }

    /// The number of records of a kind.
    pub(crate) fn count(&self, table: Table) -> usize {
        self.rows.borrow().keys().filter(|(kind, _)| *kind == table).count()
    }

    /// The number of records.
    pub(crate) fn len(&self) -> usize {
        self.rows.borrow().len()
    }

    /// Does one operation, unless it fails before. Fails after it if planned.
    fn operate<T>(&self, operation: impl FnOnce() -> T) -> Result<T, StorageError> {
        let number = self.operations.get();
        self.operations.set(number + 1);
        let fault = self.fault.get().filter(|fault| fault.at == number);
        match fault {
            None => Ok(operation()),
            Some(fault) => {
                if fault.after {
                    operation();
                }
                Err(StorageError::unavailable("a planned fault"))
            }
        }
    }
}

fn parse<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).unwrap()
}

impl Records for Storage {
    fn get<T: DeserializeOwned>(&self, table: Table, id: &str) -> Result<Option<T>, StorageError> {
        let text = self.operate(|| self.text(table, id))?;
        text.map(|text| records::read(&text)).transpose()
    }

    fn contains(&self, table: Table, id: &str) -> Result<bool, StorageError> {
        self.operate(|| self.rows.borrow().contains_key(&(table, id.to_owned())))
    }

    fn page<T: DeserializeOwned>(
        &self,
        table: Table,
        after: &str,
        limit: u64,
    ) -> Result<Vec<(String, T)>, StorageError> {
        let rows: Vec<(String, String)> = self.operate(|| {
            let rows = self.rows.borrow();
            let of_table = rows.iter().filter(|((kind, id), _)| *kind == table && id.as_str() > after);
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            of_table.take(limit).map(|((_, id), (_, text))| (id.clone(), text.clone())).collect()
        })?;
        rows.into_iter().map(|(id, text)| Ok((id, records::read(&text)?))).collect()
    }

    fn put<T: Serialize>(
        &self,
        table: Table,
        id: &str,
        ends: Option<UnixTime>,
        record: &T,
    ) -> Result<(), StorageError> {
        let text = records::write(record)?;
        self.operate(|| {
            self.rows.borrow_mut().insert((table, id.to_owned()), (ends, text));
        })
    }

    fn delete(&self, table: Table, id: &str) -> Result<bool, StorageError> {
        self.operate(|| self.rows.borrow_mut().remove(&(table, id.to_owned())).is_some())
    }

    fn keep_only(&self, table: Table) -> Result<(), StorageError> {
        self.operate(|| self.rows.borrow_mut().retain(|(kind, _), _| *kind == table))
    }

    fn sweep(&self, now: UnixTime) -> Result<Option<UnixTime>, StorageError> {
        self.operate(|| {
            self.rows.borrow_mut().retain(|_, (ends, _)| ends.is_none_or(|ends| ends > now));
            self.rows.borrow().values().filter_map(|(ends, _)| *ends).min()
        })
    }

    fn is_empty(&self) -> Result<bool, StorageError> {
        self.operate(|| self.rows.borrow().is_empty())
    }
}
