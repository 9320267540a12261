//! Places in a feed: how far a webhook has read.

use std::{fmt, str::FromStr};

use jiff::Timestamp;

use crate::{
    aws::table::Table,
    base::id::FirmId,
    firm::{
        feed::{Feed, FeedError},
        joint_feed::{self, FirmEvent, JointCursor},
    },
};

/// A place in a feed: of one firm, or of all. Written as the feed's own `next`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedPlace {
    /// After this number of a firm's feed.
    Firm(u64),
    /// After this of the joint feed.
    All(JointCursor),
}

impl fmt::Display for FeedPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Firm(number) => number.fmt(f),
            Self::All(cursor) => cursor.fmt(f),
        }
    }
}

impl FromStr for FeedPlace {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self::Firm).or_else(|_| text.parse().map(Self::All))
    }
}

impl FeedPlace {
    /// The end of the feed.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn end((table, feed): (&Table, &Feed), firm: Option<FirmId>, now: Timestamp) -> Result<Self, FeedError> {
        Ok(match firm {
            Some(firm) => Self::Firm(feed.last_number(firm).await?),
            None => Self::All(joint_feed::end_of_feed(table, now).await?),
        })
    }

    /// Whether the feed does not go so far. From such a place on, events would be passed over.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn is_ahead(
        self,
        (table, feed): (&Table, &Feed),
        firm: Option<FirmId>,
        now: Timestamp,
    ) -> Result<bool, FeedError> {
        Ok(match (self, firm) {
            (Self::Firm(number), Some(firm)) => number > feed.last_number(firm).await?,
            (Self::Firm(_), None) => true,
            (Self::All(cursor), _) => {
                joint_feed::end_of_feed(table, now).await?;
                cursor.is_ahead(table).await?
            }
        })
    }

    /// The events after it, at most `limit`, each with the place after it, and the place after all.
    ///
    /// Errors: the table refuses or does not answer.
    pub(super) async fn read(
        self,
        (table, feed): (&Table, &Feed),
        firm: Option<FirmId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<(Vec<(FirmEvent, Self)>, Self), FeedError> {
        match (self, firm) {
            (Self::Firm(number), Some(firm)) => {
                let (facts, reached) = feed.facts_after(firm, number, limit, now).await?;
                let events = facts.into_iter().map(|event| {
                    let behind = Self::Firm(event.number);
                    (FirmEvent { firm, event }, behind)
                });
                Ok((events.collect(), Self::Firm(reached)))
            }
            (Self::All(cursor), _) => {
                let (events, reached) = joint_feed::events_after((table, feed), cursor, limit, now).await?;
                let events = events.into_iter().map(|(event, behind)| (event, Self::All(behind)));
                Ok((events.collect(), Self::All(reached)))
            }
            (Self::Firm(_), None) => Ok((Vec::new(), self)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written() {
        for text in ["0", "41", "7.0"] {
            assert_eq!(text.parse::<FeedPlace>().unwrap().to_string(), text);
        }
        assert!("x".parse::<FeedPlace>().is_err());
    }
}
