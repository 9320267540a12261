//! What needs somebody, as Home says it: one sentence each, with one button.

use serde::Deserialize;
use shared::base::id::MemberId;

use super::{
    members::{MemberName, PushView},
    view::{ConnectorView, Listed, MailboxView},
    webhooks::WebhookView,
};
use crate::{
    api_client::PageError,
    shell::{FirmPage, Shell},
};

/// Mails that are looked at for proposals.
const PROPOSALS_LOOKED_AT: usize = 100;
/// Members who are asked about, those of the newest failures first.
const MEMBERS_LOOKED_AT_MAX: usize = 30;
/// Members who are named.
const MEMBERS_NAMED_MAX: usize = 10;

/// Something that needs somebody.
pub(super) struct Need {
    pub sentence: String,
    pub explanation: String,
    /// The page where it is done.
    pub to: String,
}

/// What needs somebody in the firm. A person is shown what their role can see to, and what keeps mail from coming in.
pub(super) async fn all(
    firm_page: &FirmPage,
    s: &Shell,
    (connectors, mailboxes): (&[ConnectorView], &[MailboxView]),
) -> Result<Vec<Need>, PageError> {
    let mut needs: Vec<Need> = connectors.iter().filter_map(|connector| of_connector(s, connector)).collect();
    needs.extend(mailboxes.iter().filter_map(|mailbox| of_mailbox(s, mailbox)));
    if s.may_manage() {
        let (members, webhooks, erasures) =
            tokio::try_join!(of_members(firm_page, s), of_webhooks(firm_page, s), of_erasures(firm_page, s))?;
        needs.extend(members.into_iter().chain(webhooks).chain(erasures));
    }
    if s.may_file() {
        needs.extend(of_proposals(firm_page, s).await?);
    }
    Ok(needs)
}

fn of_connector(s: &Shell, connector: &ConnectorView) -> Option<Need> {
    let to = s.at(&format!("/connectors/{}", connector.id));
    match &connector.problem {
        Some(problem) => Some(Need {
            sentence: s.t.say_two("turn-and-action", &connector.name, &problem.meaning),
            explanation: problem.what_next(s),
            to,
        }),
        None if connector.state == "awaiting_sign_in" && s.may_manage() => Some(Need {
            sentence: s.t.say_name("need-connect", &connector.name),
            explanation: s.t.say("need-connect-how"),
            to,
        }),
        None => None,
    }
}

fn of_mailbox(s: &Shell, mailbox: &MailboxView) -> Option<Need> {
    let to = s.at(&format!("/mailboxes/{}", mailbox.id));
    let need = |sentence, explanation, to| Some(Need { sentence, explanation, to });
    match (&mailbox.problem, mailbox.state.as_str()) {
        (Some(problem), _) => {
            let sentence = s.t.say_two("turn-and-action", &mailbox.address, &problem.meaning);
            need(sentence, problem.what_next(s), to)
        }
        (None, "inactive") if s.may_manage() => {
            need(s.t.say_name("need-activate", &mailbox.address), s.t.say("need-activate-how"), to)
        }
        (None, "paused") if s.may_manage() => {
            need(s.t.say_name("need-paused", &mailbox.address), s.t.say("need-paused-how"), to)
        }
        _ => None,
    }
}

/// An event about what is written to a member's Outlook.
#[derive(Deserialize)]
struct PushEvent {
    member: MemberId,
}

#[derive(Deserialize)]
struct PushEvents {
    items: Vec<PushEvent>,
    next: u64,
}

/// The members whom failures are about, the newest first, and whether there may be others.
async fn failing_members(firm_page: &FirmPage) -> Result<(Vec<MemberId>, bool), PageError> {
    // Of a firm without failures, such a page costs a thousand events that are read for nothing: so only one is asked
    // for.
    let path = firm_page.v1("/events?type=push_failed&order=desc&limit=100");
    let page: PushEvents = firm_page.api().get(&path).await?;
    let mut members = Vec::new();
    for PushEvent { member } in page.items {
        if !members.contains(&member) {
            members.push(member);
        }
    }
    let goes_on = page.next != 0 || members.len() > MEMBERS_LOOKED_AT_MAX;
    members.truncate(MEMBERS_LOOKED_AT_MAX);
    Ok((members, goes_on))
}

/// Members whose Outlook lacks something. Events say who may be meant, so that not every member is asked about; where
/// somebody may be left out, the last sentence says so.
async fn of_members(firm_page: &FirmPage, s: &Shell) -> Result<Vec<Need>, PageError> {
    let (members, mut goes_on) = failing_members(firm_page).await?;
    let (mut needs, mut named) = (Vec::new(), 0);
    for member in members {
        if named == MEMBERS_NAMED_MAX {
            goes_on = true;
            break;
        }
        let count = needs.len();
        of_member(firm_page, s, member, &mut needs).await?;
        named += usize::from(needs.len() > count);
    }
    if goes_on && named > 0 {
        needs.push(Need {
            sentence: s.t.say("need-members-more"),
            explanation: s.t.say("need-members-more-how"),
            to: s.at("/members"),
        });
    }
    Ok(needs)
}

async fn of_member(firm_page: &FirmPage, s: &Shell, member: MemberId, needs: &mut Vec<Need>) -> Result<(), PageError> {
    let (own, push) = (firm_page.v1(&format!("/members/{member}")), firm_page.v1(&format!("/members/{member}/push")));
    let of_member = tokio::try_join!(firm_page.api().get::<MemberName>(&own), firm_page.api().get::<PushView>(&push));
    let (member, push) = match of_member {
        Ok(found) => found,
        // Removed since.
        Err(PageError::NotFound) => return Ok(()),
        Err(other) => return Err(other),
    };
    for problem in push.problems() {
        let sentence = s.t.say_two("turn-and-action", &member.name, &problem.meaning);
        // Dates and contacts often wait for the same.
        if needs.iter().all(|need| need.sentence != sentence) {
            let to = s.at(&format!("/members/{}", member.id));
            needs.push(Need { sentence, explanation: problem.what_next(s), to });
        }
    }
    let (dates, contacts) = push.failed();
    for (noun, failed) in [("dates", dates), ("contacts", contacts)] {
        if failed > 0 {
            needs.push(Need {
                sentence: s.t.say_n_name("need-member", failed, &member.name),
                explanation: s.t.say("need-member-how"),
                to: s.at(&format!("/entries/{noun}?member={}", member.id)),
            });
        }
    }
    Ok(())
}

/// Webhooks to which nothing is posted.
async fn of_webhooks(firm_page: &FirmPage, s: &Shell) -> Result<Vec<Need>, PageError> {
    let webhooks = firm_page.api().get::<Listed<WebhookView>>(&firm_page.v1("/webhooks")).await?.items;
    let of = |webhook: WebhookView| {
        let to = s.at(&format!("/webhooks/{}", webhook.id));
        let (sentence, explanation) = match (webhook.problem(), &webhook.failing) {
            (Some(problem), _) => {
                (s.t.say_two("turn-and-action", &webhook.url, &problem.meaning), problem.what_next(s))
            }
            (None, Some(failing)) => {
                let tries = s.t.say_two("webhook-tries", &s.t.time(failing.since), &s.t.time(failing.next_try));
                (s.t.say_name("need-webhook-failing", &webhook.url), tries)
            }
            (None, None) if webhook.is_paused() => {
                (s.t.say_name("need-webhook-paused", &webhook.url), s.t.say("need-webhook-how"))
            }
            _ => return None,
        };
        Some(Need { sentence, explanation, to })
    };
    Ok(webhooks.into_iter().filter_map(of).collect())
}

#[derive(Deserialize)]
struct WaitingErasure {
    id: String,
}

/// Erasures that wait for a confirmation.
async fn of_erasures(firm_page: &FirmPage, s: &Shell) -> Result<Vec<Need>, PageError> {
    let path = firm_page.v1("/erasures?state=previewed&limit=100");
    let waiting = firm_page.api().get::<Listed<WaitingErasure>>(&path).await?.items.into_iter();
    let of = |erasure: WaitingErasure| Need {
        sentence: s.t.say("need-erasure"),
        explanation: s.t.say("need-erasure-how"),
        to: s.at(&format!("/erasures/{}", erasure.id)),
    };
    Ok(waiting.map(of).collect())
}

/// A proposal, of which only its being there counts.
#[derive(Deserialize)]
struct AnyProposal {}

/// Mail that waits for a dossier.
async fn of_proposals(firm_page: &FirmPage, s: &Shell) -> Result<Option<Need>, PageError> {
    let path = firm_page.v1(&format!("/proposals?limit={PROPOSALS_LOOKED_AT}"));
    let count = firm_page.api().get::<Listed<AnyProposal>>(&path).await?.items.len();
    Ok((count > 0).then(|| Need {
        sentence: s.t.say_n("need-proposals", count),
        explanation: s.t.say("need-proposals-how"),
        to: s.at("/proposals"),
    }))
}
