//! How long mail is kept: the firm's periods, and the classes of dossiers.

use askama::Template;
use axum::{extract::Query, http::Method, response::Response};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::{Value, json};

use super::view::Listed;
use crate::{
    api_client::{PageError, Refusal, and, encoded},
    form::Fields,
    said::Said,
    shell::{FirmPage, Shell, page_saying},
};

/// Dossiers on a page of the list.
const LIST_PAGE: usize = 50;

/// A class of dossiers with its period.
#[derive(Deserialize)]
struct ClassView {
    name: String,
    years: Option<u16>,
}

/// The firm's periods.
#[derive(Deserialize)]
struct RetentionView {
    default_years: Option<u16>,
    classes: Vec<ClassView>,
}

/// A dossier that is in a class.
#[derive(Deserialize)]
struct DossierClassView {
    dossier: String,
    class: String,
}

/// Which page of the dossiers.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct DossiersQuery {
    after: String,
}

/// A class as it is typed.
#[derive(Serialize)]
struct TypedClass<'a> {
    name: &'a str,
    years: Value,
}

#[derive(Template)]
#[template(path = "retention.html")]
struct RetentionPage {
    s: Shell,
    default_years: String,
    /// The name of each class and its years, as they are stored or were typed.
    classes: Vec<(String, String)>,
    /// The names of the classes that there are.
    known: Vec<String>,
    dossiers: Vec<DossierClassView>,
    /// The query of the next page of dossiers.
    next: Option<String>,
    typed: Fields,
    refusal: Option<Refusal>,
}

/// A period as a person types it; nothing stands for ever.
fn years(typed: &str) -> Value {
    match typed.trim() {
        "" => Value::Null,
        typed => typed.parse::<u16>().map_or_else(|_| json!(typed), |years| json!(years)),
    }
}

fn shown_years(years: Option<u16>) -> String {
    years.map(|years| years.to_string()).unwrap_or_default()
}

async fn shown(
    firm_page: &FirmPage,
    which: &DossiersQuery,
    typed: Fields,
    refusal: Option<Refusal>,
) -> Result<Response, PageError> {
    firm_page.manager()?;
    let periods = firm_page.v1("/retention");
    let dossiers = firm_page.v1(&format!("/retention/dossiers?limit={LIST_PAGE}{}", and("after", &which.after)));
    let (stored, dossiers) = tokio::try_join!(
        firm_page.api().get::<RetentionView>(&periods),
        firm_page.api().get::<Listed<DossierClassView>>(&dossiers)
    )?;
    let next = dossiers.next.map(|next| format!("?after={}", encoded(&next)));
    let known: Vec<String> = stored.classes.iter().map(|class| class.name.clone()).collect();
    let of_form = typed.of_form("periods");
    let (default_years, classes) = match of_form.0.is_empty() {
        true => {
            let class = |class: ClassView| (class.name, shown_years(class.years));
            (shown_years(stored.default_years), stored.classes.into_iter().map(class).collect())
        }
        false => {
            let classes = of_form.all("class").zip(of_form.all("years"));
            let classes = classes.map(|(name, years)| (name.to_owned(), years.to_owned()));
            let classes = classes.filter(|(name, years)| !(name.is_empty() && years.is_empty()));
            (of_form.get("default_years").to_owned(), classes.collect())
        }
    };
    let (s, dossiers) = (firm_page.shell("erasures"), dossiers.items);
    Ok(page_saying(refusal, |refusal| RetentionPage {
        s,
        default_years,
        classes,
        known,
        dossiers,
        next,
        typed,
        refusal,
    }))
}

/// The periods, and the dossiers that are in a class.
pub(crate) async fn list(firm_page: FirmPage, Query(which): Query<DossiersQuery>) -> Result<Response, PageError> {
    shown(&firm_page, &which, Fields::default(), None).await
}

/// Changes the periods, or the class of a dossier.
pub(crate) async fn change(firm_page: FirmPage, typed: Fields) -> Result<Response, PageError> {
    let reason = typed.get("reason");
    let (path, body) = match typed.get("do") {
        "periods" => {
            let classes = typed.all("class").map(str::trim).zip(typed.all("years"));
            // Years without a name are left to the API, which refuses them.
            let classes = classes.filter(|(name, years)| !(name.is_empty() && years.trim().is_empty()));
            let classes: Vec<_> = classes.map(|(name, typed)| TypedClass { name, years: years(typed) }).collect();
            let default_years = years(typed.get("default_years"));
            ("/retention", json!({ "default_years": default_years, "classes": classes, "reason": reason }))
        }
        "class" => {
            let class = Some(typed.get("class")).filter(|class| !class.is_empty());
            let body = json!({ "dossier": typed.get("dossier"), "class": class, "reason": reason });
            ("/retention/dossiers", body)
        }
        _ => return Err(PageError::NotFound),
    };
    match firm_page.api().tried::<IgnoredAny>(Method::PUT, &firm_page.v1(path), Some(body)).await? {
        Ok(_) => Ok(firm_page.done("/retention", Said::Saved)),
        Err(refusal) => shown(&firm_page, &DossiersQuery::default(), typed, Some(refusal)).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_keeps_mail_for_ever_and_what_is_no_number_is_left_to_the_api() {
        for (typed, sent) in [("", json!(null)), (" 7 ", json!(7)), ("seven", json!("seven")), ("-1", json!("-1"))] {
            assert_eq!(years(typed), sent, "{typed}");
        }
    }
}
