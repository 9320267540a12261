//! The files that pages load: the style, htmx, which makes pages quicker where scripts run, and greffe's own script
//! for the keys of a tree. Their address has a digest of them, so a browser keeps each for good.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use sha2::{Digest as _, Sha256};

const STYLE: &str = include_str!("../assets/style.css");
/// htmx 4.0.1, unchanged: <https://github.com/bigskysoftware/htmx>, licence in `assets/htmx-LICENSE.txt`.
const SCRIPT: &str = include_str!("../assets/htmx-4.0.1.min.js");
const KEYS: &str = include_str!("../assets/console.js");
const ICON: &str = include_str!("../assets/icon.svg");

/// Changes with each file.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let all = Sha256::new().chain_update(STYLE).chain_update(SCRIPT).chain_update(KEYS).chain_update(ICON).finalize();
    all[..6].iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
});

/// The address of a file.
pub(crate) fn address(file: &str) -> String {
    format!("/console/assets/{}/{file}", *VERSION)
}

pub(crate) async fn serve(Path((version, file)): Path<(String, String)>) -> Response {
    let (kind, body) = match file.as_str() {
        "style.css" => ("text/css; charset=utf-8", STYLE),
        "htmx.js" => ("text/javascript; charset=utf-8", SCRIPT),
        "console.js" => ("text/javascript; charset=utf-8", KEYS),
        "icon.svg" => ("image/svg+xml", ICON),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    // During a roll-out an old function may be asked for a new file: nobody keeps what it gives.
    let kept = if version == *VERSION { "public, max-age=31536000, immutable" } else { "no-store" };
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, kept)], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_of_others_is_unchanged() {
        let digest = hex::encode(Sha256::digest(SCRIPT));
        assert_eq!(digest, "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130");
    }
}
