//! The tables of this build: how many entries, how many bytes, and what happens when one is full.

use std::vec::Vec;

use serde::Serialize;

use crate::engine::agent::Agent;
use crate::engine::config::{ButtonSettings, Settings};
use crate::events::answer::Answer;
use crate::events::package::Document;
use crate::events::presentity::Presentity;
use crate::ground::limits;
use crate::roles::compositor::Publication;
use crate::roles::notifier::{Gone, ListRow, Subscription};
use crate::roles::registrar::Binding;
use crate::roles::watcher::{Record, Watch};
use crate::txn::server::Transactions;
use crate::ua::addresses::LocalAddress;
use crate::ua::guard::User;
use crate::users::compose::LocalCalls;
use crate::users::lamps::Lamp;
use crate::users::policy::Decision;

/// All tables of the agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Capacity {
    /// Each of them; what is no table stands last.
    pub tables: Vec<Table>,
    /// Bytes of them together: all the memory that the agent itself ever uses.
    pub total: usize,
}

/// One table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Table {
    /// What is in it.
    pub name: &'static str,
    /// How many.
    pub entries: usize,
    /// Bytes of one.
    pub each: usize,
    /// Bytes of all.
    pub bytes: usize,
    /// What happens when there is no room.
    pub full: &'static str,
}

impl Table {
    const fn new(name: &'static str, entries: usize, each: usize, full: &'static str) -> Table {
        Table {
            name,
            entries,
            each,
            bytes: entries * each,
            full,
        }
    }
}

impl Capacity {
    /// That of this build. Sizes are those of the types themselves.
    pub fn of_this_build() -> Capacity {
        const REFUSED: &str = "the configuration is refused";
        const LATER: &str = "503 with Retry-After";
        let transaction = size_of::<Transactions<Answer>>() / limits::TRANSACTIONS;
        let mut tables = Vec::from([
            Table::new(
                "presentities",
                limits::PRESENTITIES,
                size_of::<Presentity>(),
                REFUSED,
            ),
            Table::new(
                "subscriptions",
                limits::SUBSCRIPTIONS,
                size_of::<Subscription>(),
                LATER,
            ),
            Table::new(
                "subscriptions to lists",
                limits::LIST_SUBSCRIPTIONS,
                size_of::<ListRow>(),
                LATER,
            ),
            Table::new(
                "publications",
                limits::PUBLICATIONS,
                size_of::<Publication>(),
                LATER,
            ),
            Table::new(
                "calls of phones here",
                limits::LOCAL_CALLS,
                size_of::<LocalCalls>() / limits::LOCAL_CALLS,
                "one more is not told",
            ),
            Table::new("waiting watchers", limits::WAITING, size_of::<u16>(), LATER),
            Table::new(
                "absent watchers",
                limits::ABSENT,
                size_of::<Gone>(),
                "the first makes way",
            ),
            Table::new(
                "decisions",
                limits::DECISIONS,
                size_of::<Decision>(),
                "the oldest makes way",
            ),
            Table::new("users", limits::USERS, size_of::<User>(), REFUSED),
            Table::new(
                "registrations",
                limits::BINDINGS,
                size_of::<Binding>(),
                LATER,
            ),
            Table::new("watches", limits::WATCHES, size_of::<Watch>(), REFUSED),
            Table::new("on lists", limits::WATCHES, size_of::<Record>(), REFUSED),
            Table::new(
                "documents watched",
                limits::DOCUMENTS,
                size_of::<Document>(),
                "a watch is told in full",
            ),
            Table::new(
                "networks",
                limits::LOCALS,
                size_of::<LocalAddress>(),
                "the narrowest are left out",
            ),
            Table::new("transactions", limits::TRANSACTIONS, transaction, LATER),
            Table::new("lamps", limits::LAMPS, size_of::<Lamp>(), REFUSED),
            Table::new(
                "buttons",
                limits::BUTTONS,
                size_of::<ButtonSettings>(),
                REFUSED,
            ),
        ]);
        let buttons = limits::BUTTONS * size_of::<ButtonSettings>();
        tables.push(Table::new(
            "other settings",
            1,
            size_of::<Settings>() - buttons,
            "-",
        ));
        let total = size_of::<Agent>();
        let counted: usize = tables.iter().map(|it| it.bytes).sum();
        tables.push(Table::new(
            "indices, buffers",
            1,
            total.saturating_sub(counted),
            "-",
        ));
        Capacity { tables, total }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_the_agent_and_nothing_but_the_agent() {
        let capacity = Capacity::of_this_build();
        let sum: usize = capacity.tables.iter().map(|it| it.bytes).sum();
        assert_eq!(sum, size_of::<Agent>());
        assert_eq!(capacity.total, sum);
        assert!(
            capacity.tables.iter().all(|it| it.bytes > 0),
            "{capacity:?}"
        );
    }
}
