//! Proposals: which dossier a mail may belong to, by the contacts who wrote it or received it.

use std::collections::{BTreeSet, HashMap};

use crate::{
    aws::table::{Key, Table, TableError},
    base::{
        address::compared,
        id::{EntryKind, FirmId},
    },
    firm::{Firm, member::Member},
    mail::{
        archive::Archive,
        mailbox::Mailbox,
        message::Message,
        opened::{self, OpenMailError},
    },
    push::{contact::Contact, entry::Entry},
    reading::MailHead,
};

/// The dossiers of a firm's contacts, by their addresses as [`compared`] has them.
type DossiersByAddress = HashMap<String, BTreeSet<String>>;

/// Who belongs to a firm.
#[derive(Debug, Clone, Default)]
struct OwnPeople {
    /// Its domains.
    domains: BTreeSet<String>,
    /// Addresses of its members and mailboxes elsewhere, as [`compared`] has them.
    addresses: BTreeSet<String>,
}

/// What the dossiers of a firm's mails are proposed by.
#[derive(Debug, Clone)]
pub struct Proposer {
    firm: FirmId,
    own: OwnPeople,
    dossiers: DossiersByAddress,
}

impl Proposer {
    /// With the firm's people and contacts of now.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn of(table: &Table, firm: &Firm) -> Result<Self, TableError> {
        let members = table.query_all::<Member>(&Key::member_prefix(firm.id)).await?;
        let mailboxes = table.query_all::<Mailbox>(&Key::mailbox_prefix(firm.id)).await?;
        let members = members.iter().map(|row| &row.value.address);
        let mailboxes = mailboxes.iter().map(|row| &row.value.address);
        let addresses = members.chain(mailboxes).filter_map(|address| compared(address)).map(|(address, _)| address);
        let own = OwnPeople { domains: firm.domains.iter().cloned().collect(), addresses: addresses.collect() };
        let mut dossiers = DossiersByAddress::new();
        for row in table.query_all::<Entry<Contact>>(&Key::entry_prefix(firm.id, EntryKind::Contact)).await? {
            let Some(Contact { emails, dossier: Some(dossier), .. }) = row.value.content else { continue };
            for (address, _) in emails.iter().filter_map(|email| compared(email)) {
                dossiers.entry(address).or_default().insert(dossier.clone());
            }
        }
        Ok(Self { firm: firm.id, own, dossiers })
    }

    /// The dossier that an archived mail is proposed for, if there is one. A mail that was filed before has none.
    ///
    /// Errors: the original can't be read.
    pub async fn propose(&self, archive: &Archive, message: &Message) -> Result<Option<String>, OpenMailError> {
        let is_asked = message.filing.is_none() && !self.dossiers.is_empty();
        let Some(original) = message.original().filter(|_| is_asked) else { return Ok(None) };
        let head = opened::head(archive, original.key(self.firm, message.id), original.bytes).await?;
        Ok(proposed(&head, &self.own, &self.dossiers).map(str::to_owned))
    }
}

/// The dossier that all people outside of the firm in a mail's head share as contacts. None if one of them is no
/// contact, if they share several dossiers or none, or if nobody is outside.
fn proposed<'a>(head: &MailHead, own: &OwnPeople, dossiers: &'a DossiersByAddress) -> Option<&'a str> {
    let people = head.from.iter().chain(&head.reply_to).chain(&head.to).chain(&head.cc).chain(&head.bcc);
    let mut shared: Option<BTreeSet<&str>> = None;
    for written in people.filter_map(|person| person.address.as_deref()) {
        // An address that can't be compared belongs to no contact: then nothing is proposed.
        let (address, domain) = compared(written)?;
        if own.domains.contains(&domain) || own.addresses.contains(&address) {
            continue;
        }
        let theirs = dossiers.get(&address)?;
        shared = Some(match shared {
            None => theirs.iter().map(String::as_str).collect(),
            Some(before) => before.into_iter().filter(|dossier| theirs.contains(*dossier)).collect(),
        });
    }
    let mut shared = shared?.into_iter();
    shared.next().filter(|_| shared.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::Outline;

    #[test]
    fn a_mail_is_proposed_for_the_one_dossier_that_all_outside_people_share() {
        let own =
            OwnPeople { domains: ["lumen.example".to_owned()].into(), addresses: ["ada@home.example".into()].into() };
        let of = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let dossiers = DossiersByAddress::from([
            ("ann@a.example".to_owned(), of(&["D1"])),
            ("bob@b.example".to_owned(), of(&["D1", "D2"])),
            ("cy@c.example".to_owned(), of(&["D3"])),
        ]);
        for (head, dossier) in [
            ("From: Ann <Ann@A.example>\r\nTo: x@lumen.example", Some("D1")),
            ("From: ada@home.example\r\nTo: ann@a.example\r\nCc: bob@b.example", Some("D1")),
            ("From: bob@b.example\r\nTo: x@lumen.example", None),
            ("From: ann@a.example\r\nTo: cy@c.example", None),
            ("From: ann@a.example\r\nTo: x@lumen.example\r\nCc: stranger@z.example", None),
            ("From: ann@a.example\r\nTo: x@lumen.example\r\nReply-To: stranger@z.example", None),
            ("From: x@lumen.example\r\nTo: ada@home.example", None),
            ("Subject: nobody", None),
        ] {
            let mail = format!("{head}\r\n\r\n");
            assert_eq!(proposed(&Outline::of(mail.as_bytes()).head, &own, &dossiers), dossier, "{head}");
        }
    }
}
