//! AWS as greffe uses it: the table's keys and items, queues, secrets, links, identity.

pub mod http;
pub mod identity;
pub mod link;
pub mod queue;
pub mod secrets;
pub mod table;
pub mod worker;
