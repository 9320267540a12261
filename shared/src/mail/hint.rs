//! Hints: what greffe can't detect or fix by itself, and an administrator should check. Unlike a problem, a hint stops
//! nothing.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    base::language::Language,
    graph::WellKnown,
    mail::{
        folder::FolderState,
        mailbox::{Mailbox, MailboxKind},
    },
};

/// A hint's stable name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HintCode {
    /// What members send in the name of a shared mailbox lies in their own Sent Items only, unless Exchange is told
    /// otherwise. Graph does not show whether it was.
    /// Source:
    /// <https://learn.microsoft.com/exchange/recipients-in-exchange-online/manage-user-mailboxes/automatically-save-sent-items-in-delegator-s-mailbox>
    SentItemsNotCopied,
}

/// What a person reads of a hint, in one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HintText {
    /// What it means.
    pub meaning: &'static str,
    /// What the Microsoft 365 administrator should do.
    pub next_action: &'static str,
}

impl HintCode {
    /// The hints for `mailbox`, as long as nothing in `folders` shows that they are needless. Pure.
    pub fn of(mailbox: &Mailbox, folders: &[FolderState]) -> Vec<Self> {
        let sent = folders.iter().filter(|folder| folder.place.well_known == Some(WellKnown::SentItems));
        let mut counted = sent.flat_map(|folder| [&folder.comparison, &folder.history]).flatten();
        let is_copied = counted.any(|walk| walk.tally.listed > 0);
        (mailbox.kind == MailboxKind::Shared && !is_copied).then_some(Self::SentItemsNotCopied).into_iter().collect()
    }

    /// What a person reads.
    pub fn text(self, language: Language) -> HintText {
        let Self::SentItemsNotCopied = self;
        let (meaning, next_action) = match language {
            Language::English => (
                "Mail that is sent in the name of this shared mailbox reaches greffe only if Exchange copies it to the mailbox's own Sent Items. By default it stays with the sender.",
                "In the Microsoft 365 admin center, open Teams & groups, Shared mailboxes, the mailbox, Sent items, Edit, and switch on both settings: copy items sent as this mailbox, and copy items sent on behalf of this mailbox. Or run the two commands in Exchange Online PowerShell. This hint goes away with the first daily comparison that finds a mail in Sent Items.",
            ),
            Language::French => (
                "Les messages envoyés au nom de cette boîte aux lettres partagée n'arrivent à greffe que si Exchange les copie dans les éléments envoyés de la boîte elle-même. Par défaut, ils restent chez l'expéditeur.",
                "Dans le centre d'administration Microsoft 365, ouvrez Équipes et groupes, Boîtes aux lettres partagées, la boîte, Éléments envoyés, Modifier, et activez les deux réglages : copier les éléments envoyés en tant que cette boîte, et copier ceux envoyés de la part de cette boîte. Ou exécutez les deux commandes dans Exchange Online PowerShell. Ce conseil disparaît avec la première comparaison quotidienne qui trouve un message dans les éléments envoyés.",
            ),
            Language::Dutch => (
                "Mail die namens dit gedeelde postvak wordt verzonden, bereikt greffe alleen als Exchange ze naar de verzonden items van het postvak zelf kopieert. Standaard blijft ze bij de afzender.",
                "Open in het Microsoft 365-beheercentrum Teams en groepen, Gedeelde postvakken, het postvak, Verzonden items, Bewerken, en zet beide instellingen aan: items kopiëren die als dit postvak zijn verzonden, en items die namens dit postvak zijn verzonden. Of voer de twee opdrachten uit in Exchange Online PowerShell. Deze hint verdwijnt met de eerste dagelijkse vergelijking die een mail in de verzonden items vindt.",
            ),
            Language::German => (
                "Was im Namen dieses freigegebenen Postfachs gesendet wird, erreicht greffe nur, wenn Exchange es in die gesendeten Elemente des Postfachs selbst kopiert. Ohne Einstellung bleibt es beim Absender.",
                "Öffnen Sie im Microsoft 365 Admin Center Teams und Gruppen, Freigegebene Postfächer, das Postfach, Gesendete Elemente, Bearbeiten, und schalten Sie beide Einstellungen ein: Elemente kopieren, die als dieses Postfach gesendet wurden, und Elemente, die im Auftrag dieses Postfachs gesendet wurden. Oder führen Sie die beiden Befehle in Exchange Online PowerShell aus. Dieser Hinweis verschwindet mit dem ersten täglichen Vergleich, der eine Mail in den gesendeten Elementen findet.",
            ),
        };
        HintText { meaning, next_action }
    }

    /// The commands of Exchange Online PowerShell that do the same for the mailbox of `address`.
    /// Source: <https://learn.microsoft.com/powershell/module/exchangepowershell/set-mailbox>
    pub fn commands(self, address: &str) -> Vec<String> {
        let Self::SentItemsNotCopied = self;
        // Within single quotation marks PowerShell takes a text as it is; one of its own is doubled.
        let quoted = format!("'{}'", address.replace('\'', "''"));
        let settings = ["MessageCopyForSentAsEnabled", "MessageCopyForSendOnBehalfEnabled"];
        settings.map(|setting| format!("Set-Mailbox {quoted} -{setting} $true")).to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_name_the_mailbox_whatever_its_address_holds() {
        let [one, other] = HintCode::SentItemsNotCopied.commands("o'neil@lumen.example").try_into().unwrap();
        assert_eq!(one, "Set-Mailbox 'o''neil@lumen.example' -MessageCopyForSentAsEnabled $true");
        assert_eq!(other, "Set-Mailbox 'o''neil@lumen.example' -MessageCopyForSendOnBehalfEnabled $true");
    }
}
