//! AWS as greffe needs it (the table's keys and items, queues, secrets, links, identity); uses `base`.

pub mod identity;
pub mod link;
pub mod queue;
pub mod sdk_http;
mod seal;
pub mod secrets;
pub mod table;
mod table_key;
pub mod worker;
