//! The reader with malformed and hostile mails, and with real ones.

use std::{
    fmt::Write as _,
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::*;
use crate::base::{clock::machine_time, random::Random};

/// Without optimisation, on a busy machine. What is not linear takes hours.
const LINEAR_TIME_MAX: Duration = Duration::from_secs(60);

#[test]
fn a_place_in_base64_is_counted_where_all_lines_are_alike_and_nowhere_else() {
    let bytes: Vec<u8> = (0..1_000_u32).map(|n| (n * 7 % 251) as u8).collect();
    let mail = |body: &str| format!("Content-Transfer-Encoding: base64\r\n\r\n{body}");
    let wrapped = |bytes: &[u8], chars: usize, ending: &str| {
        let text = STANDARD.encode(bytes);
        let lines: Vec<&str> = text.as_bytes().chunks(chars).map(|line| std::str::from_utf8(line).unwrap()).collect();
        lines.join(ending)
    };
    for (length, chars, ending) in
        [(1_000, 76, "\r\n"), (999, 76, "\n"), (998, 64, "\r\n"), (57, 76, "\n"), (1_000, 1_000, "\n")]
    {
        for end in ["", ending, "\r\n\r\n"] {
            let mail = mail(&format!("{}{end}", wrapped(&bytes[..length], chars, ending)));
            let part = &Outline::of(mail.as_bytes()).parts[0];
            let lines = part.lines.unwrap_or_else(|| panic!("{length} {chars} {end:?}"));
            for wanted in [0, 1, 50, length - 1] {
                let (start, before) = lines.at(wanted as u64);
                let body = &mail.as_bytes()[part.body.start as usize + start as usize..];
                let decoded = TransferDecoder::all(Transfer::Base64, body);
                assert_eq!(decoded[wanted - before as usize], bytes[wanted], "{length} {chars} {wanted}");
            }
        }
    }
    let text = wrapped(&bytes, 76, "\r\n");
    let longer = text.replacen("\r\n", "", 1);
    let shorter = text.replacen("AAcO", "AA\r\ncO", 1);
    let odd = text.replacen("AAcO", "A!cO", 1);
    let padded = format!("{}\r\n{text}", wrapped(&bytes[..55], 76, "\r\n"));
    for irregular in [longer, shorter, odd, padded, wrapped(&bytes, 75, "\n"), format!("{text}\r\nAAAA")] {
        assert_eq!(Outline::of(mail(&irregular).as_bytes()).parts[0].lines, None, "{irregular}");
    }
}

/// Elements that may stand in a cleaned page.
const ELEMENTS: &str = "a abbr address article aside b bdi bdo big blockquote br caption center cite code col colgroup \
    dd del dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark nav ol \
    p pre q s samp section small span strike strong sub sup table tbody td tfoot th thead tr tt u ul var wbr";
/// Attributes that may.
const ATTRIBUTES: &str = "align alt bgcolor border cellpadding cellspacing color colspan dir face height href lang rel \
    rowspan size span src start target title type valign width";

/// What is wrong with a cleaned page: each `<` of it has to begin a tag of the lists, with each value between quotes.
fn harm(html: &str) -> Option<String> {
    let listed = |list: &str, name: &str| list.split_whitespace().any(|known| known == name);
    let mut pieces = html.split('<');
    let before = pieces.next().unwrap_or_default();
    if before.contains('>') {
        return Some(format!("a bare > in {before:?}"));
    }
    for piece in pieces {
        let Some((tag, text)) = piece.split_once('>') else { return Some(format!("no tag ends {piece:?}")) };
        if text.contains('>') {
            return Some(format!("a bare > in {text:?}"));
        }
        let mut values = tag.trim_start_matches('/').split('"');
        let mut open = values.next().unwrap_or_default().to_owned();
        let name = open.split(' ').next().unwrap_or_default().to_owned();
        if !listed(ELEMENTS, &name) {
            return Some(format!("the element {name:?} in {tag:?}"));
        }
        open = open[name.len()..].to_owned();
        while let Some(value) = values.next() {
            let Some(attribute) = open.trim().strip_suffix('=') else { return Some(format!("no name in {tag:?}")) };
            let is_address = matches!(attribute, "href" | "src");
            let is_known =
                ["http:", "https:", "mailto:", "tel:", "part/"].iter().any(|scheme| value.starts_with(scheme));
            if !listed(ATTRIBUTES, attribute)
                || is_address && !is_known
                || attribute == "src" && !value.starts_with("part/")
            {
                return Some(format!("the attribute {attribute:?} in {tag:?}"));
            }
            open = values.next().unwrap_or_default().to_owned();
        }
        if !open.trim().is_empty() {
            return Some(format!("{open:?} in {tag:?}"));
        }
    }
    None
}

fn cleaned(source: &str) -> Cleaned {
    let own = [("logo@x".to_owned(), "part/1".to_owned())].into();
    let page = clean(source, &Pictures { own, ..Pictures::default() });
    assert_eq!(harm(&page.html), None, "of {:?}", source.chars().take(300).collect::<String>());
    page
}

fn html_of(source: &str) -> String {
    cleaned(source).html
}

#[test]
fn what_a_page_says_stays_and_what_it_would_do_does_not() {
    for (source, html) in [
        ("<p>Hello <b>Ada</b>", "<p>Hello <b>Ada</b></p>"),
        ("<p>one<p>two", "<p>one</p><p>two</p>"),
        ("<ul><li>a<li>b</ul>", "<ul><li>a</li><li>b</li></ul>"),
        (
            "<table><tr><td>a<td><b>b<tr><td>c</table>",
            "<table><tr><td>a</td><td><b>b</b></td></tr><tr><td>c</td></tr></table>",
        ),
        ("a &amp; b &lt;script&gt;", "a &amp; b &lt;script&gt;"),
        ("<b>a</div></b>", "<b>a</b>"),
        ("<td><b>a</table></td>b", "<td><b>a</b></td>b"),
        ("x<script>alert(1)</script>y", "xy"),
        ("x<style>p{background:url(http://t.example)}</style>y", "xy"),
        ("x<!-- <script>alert(1)</script> -->y", "xy"),
        ("<p onclick=alert(1) style='background:url(//t.example)' class=x id=y>z</p>", "<p>z</p>"),
        ("<img src=cid:logo@x alt=Logo onerror=alert(1)>", "<img src=\"part/1\" alt=\"Logo\">"),
        ("<img src='CID:logo%40x'>", "<img src=\"part/1\">"),
        ("<img src=cid:other@x>", ""),
        ("<img src=https://t.example/pixel.gif width=1>", ""),
        ("<img src=https://t.example/a.png alt=Photo>", "<img alt=\"Photo\">"),
        ("<img src=data:image/svg+xml,x alt>", ""),
        (
            "<a href='https://a.example/x?y=1&z=2'>l</a>",
            "<a href=\"https://a.example/x?y=1&amp;z=2\" target=\"_blank\" rel=\"noopener noreferrer nofollow\">l</a>",
        ),
        (
            "<font color=#ff0000 size=+1 face='Arial, sans'>r</font>",
            "<font color=\"#ff0000\" size=\"+1\" face=\"Arial, sans\">r</font>",
        ),
        ("<td width=100% height=5000000000 colspan=3>", "<td width=\"100%\" colspan=\"3\"></td>"),
    ] {
        assert_eq!(html_of(source), html, "{source}");
    }
    let link = " target=\"_blank\" rel=\"noopener noreferrer nofollow\"";
    for bad in [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " java\nscript:alert(1)",
        "&#106;avascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "//t.example",
        "/v1/firms",
        "blob:https://x",
        "\u{1}javascript:alert(1)",
        "x",
    ] {
        assert_eq!(html_of(&format!("<a href=\"{bad}\">l</a>")), format!("<a{link}>l</a>"), "{bad}");
    }
}

/// Each is known to have run a script or fetched something in some mail reader.
const HOSTILE: [&str; 46] = [
    "<svg onload=alert(1)><animate attributeName=href values=javascript:alert(1) /><a><text>x</text></a></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<svg><image href=https://t.example/x.png /><use href=\"data:image/svg+xml;base64,x#a\"/></svg>",
    "<svg><a xlink:href=\"javascript:alert(1)\"><text y=20>x</text></a></svg>",
    "<svg><foreignObject><body onload=alert(1)></foreignObject></svg>",
    "<svg><set attributeName=onmouseover to=alert(1)></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
    "<math href=\"javascript:alert(1)\">x</math><math><maction actiontype=statusline xlink:href=javascript:alert(1)>x",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<title><!--</title><svg><style><div onclick=alert(1)>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<textarea><img title=\"</textarea><img src=x onerror=alert(1)>\">",
    "<template><script>alert(1)</script></template>",
    "<xmp><p title=\"</xmp><svg/onload=alert(1)>\">",
    "<plaintext><script>alert(1)</script>",
    "<select><template><style><!--</style><a rel=\"--></style></template></select><img src=x onerror=alert(1)>\">",
    "<meta http-equiv=refresh content='0;url=https://t.example'><meta http-equiv=Set-Cookie content=a=b>",
    "<base href=https://t.example/><a href=x>y</a>",
    "<link rel=stylesheet href=https://t.example/x.css><link rel=prefetch href=https://t.example>",
    "<style>@import 'https://t.example';</style><style>p{background:u\\72l(https://t.example)}</style>",
    "<p style=\"width:expression(alert(1));background-image:url(https://t.example)\">x",
    "<p style=\"background:u/**/rl(https://t.example)\">x",
    "<p style=\"behavior:url(#default#time2)\" onbegin=alert(1)>x",
    "<body background=https://t.example onload=alert(1)>x",
    "<table background=https://t.example><td background=https://t.example>x",
    "<form action=https://t.example><input name=password><button formaction=javascript:alert(1)>x</button></form>",
    "<input type=image src=https://t.example><isindex action=javascript:alert(1)>",
    "<iframe src=https://t.example srcdoc='<script>alert(1)</script>'></iframe><frameset><frame src=javascript:alert(1)>",
    "<object data=https://t.example><embed src=https://t.example><param name=movie value=https://t.example>",
    "<applet code=x.class archive=https://t.example></applet>",
    "<video poster=https://t.example autoplay src=https://t.example onerror=alert(1)><audio src=https://t.example>",
    "<picture><source srcset=https://t.example><img srcset='https://t.example 2x' src=x></picture>",
    "<img src=https://t.example/p.gif><img lowsrc=https://t.example dynsrc=https://t.example src=x>",
    "<img src=\"x\" / onerror=alert(1)><img/src=x/onerror=alert(1)><img src=x onerror\n=alert(1)>",
    "<img src=`javascript:alert(1)` onerror=alert`1`><img \"\"\"><script>alert(1)</script>\">",
    "<a href=\"https://a.example\" ping=https://t.example download>x</a>",
    "<a href=x:javascript:alert(1)>x</a><area href=javascript:alert(1)><map name=x>",
    "<a xmlns:x='javascript:' x:href=x o:nclick=alert(1) xml:base=javascript:alert(1)>x</a>",
    "<details open ontoggle=alert(1)>x<marquee onstart=alert(1)>x<dialog open>x",
    "<![CDATA[<script>alert(1)</script>]]><?xml-stylesheet href='javascript:alert(1)'?><!DOCTYPE html SYSTEM 'x'>",
    "<!--[if gte mso 9]><script>alert(1)</script><![endif]--><!--><script>alert(1)</script>-->",
    "<scr<script>ipt>alert(1)</scr</script>ipt><<script>alert(1)//<</script>",
    "<p title='\"><script>alert(1)</script>' lang='\"onload=x' align='x y'>x",
    "<font face='\"><script>' color='red;background:url(x)' size='1 onload=x'>x",
    "\0<s\0cript>alert(1)</s\0cript>\u{feff}<\u{feff}script>x",
    "<custom-element onclick=alert(1)><slot name=x><x:y onload=alert(1)>z",
];

#[test]
fn no_script_no_style_no_form_and_nothing_of_elsewhere_gets_through() {
    for source in HOSTILE {
        let page = cleaned(source);
        assert!(!page.html.contains("t.example"), "{source}: {}", page.html);
        // Cut anywhere, and within whatever it may stand in.
        for end in (0..source.len()).filter(|end| source.is_char_boundary(*end)) {
            cleaned(&source[..end]);
            cleaned(&source[end..]);
        }
        for around in ["table", "svg", "math", "select", "title", "a href='", "p title=\"", "!--", "style", "td><b"] {
            cleaned(&format!("<{around}>{source}</{around}>{source}"));
        }
    }
}

#[test]
fn no_mixture_of_hostile_pieces_gets_through() {
    let random = Random::seeded(11);
    for _ in 0..300 {
        let bytes = [random.bytes32(), random.bytes32()].concat();
        let mut source = String::new();
        for pair in bytes.chunks(4) {
            let piece = HOSTILE[usize::from(pair[0]) % HOSTILE.len()];
            let start = (0..=piece.len())
                .filter(|at| piece.is_char_boundary(*at))
                .nth(usize::from(pair[1]) % piece.chars().count());
            source.push_str(&piece[start.unwrap_or_default()..]);
            source.extend(char::from_u32(u32::from(pair[2])));
        }
        cleaned(&source);
    }
}

#[test]
fn a_page_that_would_be_read_for_long_is_read_at_once() {
    let began = machine_time();
    let nested = cleaned(&("<div>".repeat(50_000) + "deep"));
    assert!(nested.text.contains("deep") && nested.html.matches("<div>").count() <= 128);
    let attributes: String = (0..100_000).fold(String::from("<p"), |mut tag, n| {
        let _ = write!(tag, " a{n}=1");
        tag
    });
    assert!(cleaned(&format!("before{attributes}>x")).is_cut);
    // Each paragraph would repeat all that is open.
    let open: String = (0..500).fold(String::new(), |mut open, n| {
        let _ = write!(open, "<b title={n}>");
        open
    });
    let repeated = cleaned(&(open + &"<p>x".repeat(50_000)));
    assert!(repeated.html.len() < 2 << 20, "{}", repeated.html.len());
    for one in
        ["<", "<a ", "&", "</", "<!--", "<table>", "<p>", "<b><p>", "<li>", "<td>", "<a href=x>", "&amp", "\u{1f600}"]
    {
        cleaned(&one.repeat(200_000 / one.len()));
    }
    assert!(began.elapsed().unwrap_or_default() < LINEAR_TIME_MAX, "{:?}", began.elapsed());
}

#[test]
fn the_text_of_a_page_has_its_lines() {
    for (source, text) in [
        ("<html><head><title>t</title></head><body><p>One  two\n three</p><p>four</p>", "One two three\n\nfour\n\n"),
        ("a<br>b<div>c</div>d", "a\nb\nc\nd"),
        ("<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>", "1 2\n3\n\n"),
        ("<pre>a\n  b</pre>", "a\n  b\n"),
        ("caf&eacute;&nbsp;7", "café 7"),
        ("a<style>b</style>c<script>d", "ac"),
    ] {
        assert_eq!(plain(source).text, text, "{source}");
    }
}

fn mail(lines: &[&str]) -> Vec<u8> {
    lines.join("\r\n").into_bytes()
}

/// The bytes of a mail that is at hand.
fn within<'a>(original: &'a [u8]) -> impl Fn(Range<u64>) -> &'a [u8] {
    |range| &original[range.start as usize..range.end as usize]
}

fn text_of(original: &[u8]) -> String {
    Outline::of(original).text(within(original)).0
}

fn page_of(original: &[u8]) -> Cleaned {
    let outline = Outline::of(original);
    let own = outline.attachments().filter(|attachment| is_shown_inline(attachment.served));
    let own = own.filter_map(|attachment| Some((attachment.content_id?, format!("part/{}", attachment.number))));
    let page = outline.html(within(original), &Pictures { own: own.collect(), ..Pictures::default() }, usize::MAX);
    assert_eq!(harm(&page.html), None);
    page
}

/// A message within another one.
fn message_in(original: &[u8], number: usize) -> Option<Vec<u8>> {
    let outline = Outline::of(original);
    let (_, part) = outline.attachment(number).filter(|(found, _)| found.kind == PartKind::Message)?;
    Some(TransferDecoder::all(part.about.transfer, within(original)(part.body.clone())))
}

#[test]
fn a_mail_with_all_that_mails_have_is_read() {
    let original = mail(&[
        "From: =?utf-8?Q?Ada_Lov=C3=A9lace?= <ada@x.example>",
        "To: Bob <bob@y.example>, \"Team; all\" <team@y.example>",
        "Subject: =?iso-8859-1?Q?R=E9sum=E9?= =?iso-8859-1?Q?_7?=",
        "Date: Thu, 05 Nov 2026 10:02:00 +0100",
        "Message-ID: <a@x.example>",
        "References: <1@x.example> <2@x.example>",
        "In-Reply-To: <2@x.example>",
        "Content-Type: multipart/mixed; boundary=\"outer\"",
        "",
        "preamble",
        "--outer",
        "Content-Type: multipart/related; boundary=outerinner",
        "",
        "--outerinner",
        "Content-Type: multipart/alternative; boundary=alt",
        "",
        "--alt",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: quoted-printable",
        "",
        "Caf=C3=A9 =",
        "7",
        "--alt",
        "Content-Type: text/html; charset=utf-8",
        "",
        "<p>Café <img src=\"cid:logo@x\"></p>",
        "--alt--",
        "--outerinner",
        "Content-Type: image/png; name=logo.png",
        "Content-ID: <logo@x>",
        "Content-Transfer-Encoding: base64",
        "",
        "SGVsbG8=",
        "--outerinner--",
        "--outer",
        "Content-Type: application/pdf",
        "Content-Disposition: attachment; filename=\"../x.pdf\"",
        "Content-Transfer-Encoding: base64",
        "",
        "SGVs",
        "bG8=",
        "--outer",
        "Content-Type: message/rfc822",
        "",
        "Subject: Inner",
        "Content-Type: multipart/mixed; boundary=in",
        "",
        "--in",
        "Content-Type: text/plain",
        "",
        "Inner text",
        "--in--",
        "--outer--",
        "epilogue",
        "",
    ]);
    let outline = Outline::of(&original);
    let head = &outline.head;
    assert_eq!(head.subject, "Résumé 7");
    assert_eq!(head.from[0].name.as_deref(), Some("Ada Lovélace"));
    let to: Vec<_> = head.to.iter().filter_map(|person| person.address.as_deref()).collect();
    assert_eq!(to, ["bob@y.example", "team@y.example"]);
    assert_eq!(head.date.unwrap().to_string(), "2026-11-05T09:02:00Z");
    assert_eq!((head.message_id.as_deref(), head.references.len()), (Some("a@x.example"), 2));
    assert_eq!(outline.text(within(&original)), ("Café 7".to_owned(), false));
    assert_eq!(page_of(&original).html, "<p>Café <img src=\"part/1\"></p>");
    let attachments: Vec<_> = outline.attachments().collect();
    let shown: Vec<_> = attachments.iter().map(|a| (a.name.as_str(), a.kind, a.served, a.bytes)).collect();
    assert_eq!(
        shown,
        [
            ("logo.png", PartKind::Image, "image/png", 5),
            ("x.pdf", PartKind::File, "application/pdf", 5),
            ("message-3.eml", PartKind::Message, "message/rfc822", attachments[2].bytes),
        ]
    );
    let inner = message_in(&original, 3).unwrap();
    assert_eq!(inner.len() as u64, attachments[2].bytes);
    assert_eq!(Outline::of(&inner).head.subject, "Inner");
    assert_eq!(text_of(&inner), "Inner text");
    assert_eq!((message_in(&original, 2), message_in(&original, 4), message_in(&inner, 1)), (None, None, None));
    // The parts are the same however the bytes arrive, and with bare line feeds.
    for size in [1, 2, 3, 7, 64, 1_000] {
        let mut scanner = Scanner::new();
        original.chunks(size).for_each(|piece| scanner.feed(piece));
        assert_eq!(Outline::new(scanner.finish()), outline, "in pieces of {size}");
    }
    let bare: Vec<u8> = original.iter().copied().filter(|byte| *byte != b'\r').collect();
    assert_eq!(text_of(&bare), "Café 7");
    // A mail may end anywhere.
    for end in 0..original.len() {
        let outline = Outline::of(&original[..end]);
        text_of(&original[..end]);
        page_of(&original[..end]);
        for attachment in outline.attachments() {
            let (_, part) = outline.attachment(attachment.number).unwrap();
            let body = &original[part.body.start as usize..part.body.end as usize];
            assert_eq!(TransferDecoder::all(part.about.transfer, body).len() as u64, part.bytes, "cut at {end}");
        }
    }
}

#[test]
fn what_nothing_calls_a_text_is_shown_as_one() {
    for (head, body, text) in [
        ("Content-Type: multipart/mixed", "No boundary", "No boundary"),
        ("Content-Type: multipart/mixed; boundary=never", "It never comes", "It never comes"),
        ("Content-Type: text/", "No subtype", "No subtype"),
        ("Content-Type: what is this", "Unreadable", "Unreadable"),
        ("Content-Type: text/x-something", "Another text", "Another text"),
        ("Content-Type: multipart/report; boundary=b", "--b\r\n\r\nReported\r\n--b--", "Reported"),
        ("Content-Type: multipart/mixed; boundary=b", "--b\r\nContent-Type: text/plain\r\n\r\nUnended", "Unended"),
        ("Content-Type: multipart/mixed; boundary=b", "--b\r\nNo head\r\n--b--", "No head"),
        ("Content-Transfer-Encoding: base64", "Tm90IA==", "Not"),
        ("Content-Type: text/plain\r\nContent-Type: text/html", "<Plain>", "<Plain>"),
        ("X: y", "Plain", "Plain"),
        ("Content-Disposition: attachment", "Nameless", "Nameless"),
    ] {
        let original = mail(&["Subject: s", head, "", body]);
        assert_eq!(text_of(&original).trim(), text, "{head}");
        assert_eq!(Outline::of(&original).attachments().count(), 0, "{head}");
    }
    assert_eq!(text_of(b"no head at all"), "no head at all");
    assert_eq!(text_of(b""), "");
    assert_eq!(Outline::of(b"Subject: only a head").head.subject, "only a head");
}

#[test]
fn lines_that_are_only_wrapped_are_joined() {
    let said = |parameters: &str, lines: &[&str]| {
        let kind = format!("Content-Type: text/plain; charset=utf-8{parameters}");
        text_of(&mail(&[&[&kind, ""], lines].concat()))
    };
    let wrapped = ["The deadline ", "is on Monday.", "> Is it ", "> Friday?", ">> No.", " >From", "-- ", "Ada "];
    assert_eq!(
        said("; format=Flowed", &wrapped),
        "The deadline is on Monday.\n> Is it Friday?\n>> No.\n>From\n-- \nAda",
    );
    assert_eq!(said("; format=flowed; delsp=yes", &["期限は ", "月曜日"]), "期限は月曜日");
    assert_eq!(said("", &["Each line ", "is a line."]).lines().count(), 2);
}

#[test]
fn the_html_of_a_mail_whose_plain_text_is_empty_is_its_text() {
    let plain = ["--b", "Content-Type: text/plain", "", " ", "--b", "Content-Type: text/html", "", "<p>Said", "--b--"];
    let head = ["Content-Type: multipart/alternative; boundary=b", ""];
    assert_eq!(text_of(&mail(&[&head[..], &plain[..]].concat())), "Said");
}

#[test]
fn a_plain_text_that_only_points_to_the_html_is_not_the_text_of_a_mail() {
    let html = format!("<p>{}", "What it says. ".repeat(20));
    let plain = |text| {
        let parts = ["--b", "", text, "--b", "Content-Type: text/html", "", &html, "--b--"];
        text_of(&mail(&[&["Content-Type: multipart/alternative; boundary=b", ""][..], &parts[..]].concat()))
    };
    assert!(plain("Your program does not show HTML.").starts_with("What it says."));
    assert_eq!(plain(&"Words of its own. ".repeat(20)), "Words of its own. ".repeat(20).trim_end());
}

#[test]
fn pictures_styles_and_comments_of_any_length_hide_nothing_of_a_page() {
    let long = "x/".repeat(1 << 20);
    for run in [
        format!("<img src=\"data:image/png;base64,{long}\">"),
        format!("<STYLE>{long}</Style>"),
        format!("<!--[if mso]>{long}<![endif]-->"),
        "<!-- short --><style>a{}</style>;base64,x ".repeat(20_000),
    ] {
        let original = mail(&["Content-Type: text/html", "", &format!("<p>before</p>{run}<p>after")]);
        let text = text_of(&original);
        assert!(text.starts_with("before") && text.ends_with("after"), "{}", &run[..20]);
        let page = page_of(&original);
        assert!(page.html.contains("<p>after") && !page.is_cut, "{}", &run[..20]);
    }
}

#[test]
fn an_attachment_is_as_long_as_it_is_said_to_be_whatever_it_claims_to_be() {
    for kind in ["multipart/mixed; boundary=never", "multipart/mixed", "text/html", "message/rfc822", "x"] {
        for transfer in ["base64", "quoted-printable", "8bit", "x-unknown"] {
            let about = format!("Content-Type: {kind}\r\nContent-Transfer-Encoding: {transfer}");
            let disposition = "Content-Disposition: attachment; filename=a";
            let body = "PGI+SGVsbG8=\r\n=3D=\r\n";
            let original = mail(&[
                "Content-Type: multipart/mixed; boundary=b",
                "",
                "--b",
                "",
                "Text",
                "--b",
                &about,
                disposition,
                "",
                body,
                "--b--",
            ]);
            let outline = Outline::of(&original);
            let (found, part) = outline.attachment(1).unwrap();
            let decoded = TransferDecoder::all(part.about.transfer, within(&original)(part.body.clone()));
            assert_eq!(found.bytes, decoded.len() as u64, "{kind} {transfer}");
        }
    }
}

#[test]
fn a_page_says_that_it_is_cut() {
    let original = mail(&["Content-Type: text/html", "", "<p>one</p><p>two</p>"]);
    let page = |most| Outline::of(&original).html(within(&original), &Pictures::default(), most);
    assert_eq!((page(10).html.as_str(), page(10).is_cut), ("<p>one</p>", true));
    assert!(!page(20).is_cut);
}

#[test]
fn what_only_other_programs_open_is_named_for_what_it_is() {
    for (kind, expected) in [
        ("application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m", PartKind::Smime),
        ("application/x-pkcs7-signature", PartKind::SmimeSignature),
        ("application/pgp-encrypted", PartKind::Pgp),
        ("application/ms-tnef; name=winmail.dat", PartKind::Winmail),
        ("application/octet-stream; name=winmail.dat", PartKind::Winmail),
        ("text/calendar; method=REQUEST", PartKind::Calendar),
        ("message/delivery-status", PartKind::Report),
        ("message/rfc822", PartKind::Message),
        ("application/zip", PartKind::File),
        ("image/svg+xml", PartKind::Image),
    ] {
        let original = mail(&[
            "Content-Type: multipart/mixed; boundary=b",
            "",
            "--b",
            "",
            "Text",
            "--b",
            &format!("Content-Type: {kind}"),
            "",
            "x",
            "--b--",
        ]);
        let attachments: Vec<_> = Outline::of(&original).attachments().collect();
        assert_eq!(attachments.iter().map(|attachment| attachment.kind).collect::<Vec<_>>(), [expected], "{kind}");
    }
}

#[test]
fn a_mail_that_would_be_read_for_long_or_deep_is_read_at_once() {
    let began = machine_time();
    let inner = "Content-Type: message/rfc822\r\n\r\n".repeat(100_000);
    let encoded =
        format!("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n{}", STANDARD.encode(&inner));
    let parts = "--b\r\nContent-Type: application/x\r\n\r\nx\r\n".repeat(100_000);
    let unclosed = "--b\r\nContent-Type: multipart/mixed; boundary=never\r\n\r\nx\r\n".repeat(20_000);
    let multiparts = (0..5_000).fold(String::new(), |mut all, n| {
        let _ = write!(all, "Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n");
        all
    });
    let headers = (0..100_000).fold(String::new(), |mut all, n| {
        let _ = write!(all, "To: a{n}@x.example\r\n");
        all
    });
    let words = format!("Subject: {}\r\n\r\nx", "=?utf-8?q?=?".repeat(20_000));
    let mixed = |parts: &str| format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{parts}");
    for original in
        [inner, encoded, mixed(&parts), mixed(&unclosed), multiparts, headers + "\r\nBody", words, "x".repeat(3 << 20)]
    {
        let outline = Outline::of(original.as_bytes());
        assert!(outline.parts.len() <= PARTS_MAX);
        text_of(original.as_bytes());
        page_of(original.as_bytes());
        let mut message = original.into_bytes();
        for _ in 0..8 {
            message = message_in(&message, 1).unwrap_or_default();
        }
    }
    assert!(began.elapsed().unwrap_or_default() < LINEAR_TIME_MAX, "{:?}", began.elapsed());
}

#[test]
fn a_mail_has_its_parts_at_the_limit_and_says_that_there_are_more() {
    let parts = "--b\r\nContent-Type: application/x\r\n\r\nx\r\n".repeat(PARTS_MAX);
    let original = format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{parts}--b--\r\n");
    let outline = Outline::of(original.as_bytes());
    assert_eq!((outline.parts.len(), outline.is_cut), (PARTS_MAX, true));
}

#[test]
fn charsets_of_asia_and_of_windows_are_read_in_heads_names_and_texts() {
    for (charset, bytes, text) in [
        ("gb2312", &b"\xc4\xe3\xba\xc3"[..], "你好"),
        ("big5", b"\xa7A\xa6n", "你好"),
        ("shift_jis", b"\x83n\x83\x8d\x81[", "ハロー"),
        ("iso-2022-jp", b"\x1b$B%O%m!<\x1b(B", "ハロー"),
        ("euc-kr", b"\xbe\xc8\xb3\xe7", "안녕"),
        ("windows-1251", b"\xcf\xf0\xe8", "При"),
        ("koi8-r", b"\xf0\xd2\xc9", "При"),
        ("windows-1256", b"\xe3\xd1\xcd", "مرح"),
    ] {
        let encoded = STANDARD.encode(bytes);
        let original = mail(&[
            &format!("Subject: =?{charset}?B?{encoded}?="),
            "Content-Type: multipart/mixed; boundary=b",
            "",
            "--b",
            &format!("Content-Type: text/plain; charset={charset}"),
            "Content-Transfer-Encoding: base64",
            "",
            &encoded,
            "--b",
            &format!("Content-Disposition: attachment; filename=\"=?{charset}?B?{encoded}?=\""),
            "",
            "x",
            "--b--",
        ]);
        let outline = Outline::of(&original);
        assert_eq!((outline.head.subject.as_str(), text_of(&original).as_str()), (text, text), "{charset}");
        assert_eq!(outline.attachments().next().unwrap().name, text, "{charset}");
    }
}

#[test]
fn charsets_that_browsers_do_not_read_are_read_and_characters_may_be_split_over_encoded_words() {
    for (subject, text) in [
        ("=?utf-8?B?w4nDqQ==?=\r\n =?UTF-8?B?w6k=?= et =?utf-8?Q?a=C3=A9_?= =?utf-8*fr?q?b?=", "Ééé et aé b"),
        ("=?utf-8?B?RMM=?= =?utf-8?B?qWxhaQ==?=", "Délai"),
        ("=?utf-8?Q?D=C3?=\r\n =?utf-8?Q?=A9lai?=", "Délai"),
        ("=?iso-2022-jp?B?GyRCJU8=?= =?iso-2022-jp?B?JW0hPBsoQg==?=", "ハロー"),
        ("=?iso-2022-kr?B?GyQpQw4+SDNnDw==?=", "안녕"),
        ("=?hz-gb-2312?Q?~{Dc:C~}?=", "你好"),
        ("=?utf-7?Q?D+AOk-lai?=", "Délai"),
        ("=?x-unknown?Q?D=E9lai?= =?utf-8?Q?=C3=A9?=", "Délaié"),
        ("=?utf-8?X?x?= =?utf-8?Q?a", "=?utf-8?X?x?= =?utf-8?Q?a"),
    ] {
        let original = mail(&[&format!("Subject: {subject}"), "", ""]);
        assert_eq!(Outline::of(&original).head.subject, text, "{subject}");
    }
    for (charset, bytes, text) in [
        ("utf-7", &b"D+AOk-lai"[..], "Délai"),
        ("iso-2022-kr", b"\x1b$)C\x0e>H3g\x0f", "안녕"),
        ("hz-gb-2312", b"~{Dc:C~}", "你好"),
    ] {
        let mut original = mail(&[&format!("Content-Type: text/plain; charset={charset}"), "", ""]);
        original.extend_from_slice(bytes);
        assert_eq!(text_of(&original), text, "{charset}");
    }
}

#[test]
fn a_byte_order_mark_before_a_mail_is_no_part_of_it() {
    let original = mail(&["\u{feff}Subject: Bail", "To: a@x.example", "", "Bonjour"]);
    let outline = Outline::of(&original);
    assert_eq!((outline.head.subject.as_str(), outline.head.to.len()), ("Bail", 1));
    assert_eq!(text_of(&original), "Bonjour");
}

#[test]
fn of_a_head_that_is_too_long_nothing_falls_into_the_text() {
    let headers = |count: usize| (0..count).map(|n| format!("X-{n}: {}\r\n", "x".repeat(2_000))).collect::<String>();
    for head in [headers(500), format!("X-Long: {}\r\n", "x".repeat(600_000)), "X-Short: 1\r\n".repeat(40_000)] {
        let original = format!("Subject: Bail\r\n{head}To: a@x.example\r\n\r\nBonjour\r\n\r\nAda\r\n");
        let outline = Outline::of(original.as_bytes());
        assert_eq!(outline.head.subject, "Bail");
        assert_eq!(text_of(original.as_bytes()), "Bonjour\r\n\r\nAda".replace("\r\n", "\n"));
    }
}

#[test]
fn a_mail_to_more_people_than_are_shown_says_so() {
    for (count, is_cut) in [(500, false), (501, true)] {
        let to: Vec<String> = (0..count).map(|n| format!("p{n}@x.example")).collect();
        let original = mail(&[&format!("To: {}", to.join(",\r\n ")), "", "Bonjour"]);
        let head = Outline::of(&original).head;
        assert_eq!((head.to.len(), head.is_cut), (500, is_cut));
    }
}

#[test]
fn a_page_shows_what_a_text_shows_also_where_nothing_calls_it_one() {
    for kind in ["text/", "text/x-web-markdown", "multipart/report", "multipart/mixed", "text/enriched"] {
        let original = mail(&[&format!("Content-Type: {kind}"), "", "Bonjour Ada"]);
        assert_eq!(text_of(&original), "Bonjour Ada", "{kind}");
        assert!(page_of(&original).html.contains("Bonjour Ada"), "{kind}");
    }
}

#[test]
fn of_images_that_a_page_has_no_room_for_it_has_the_names() {
    let image = |id: &str, bytes: usize| {
        format!("--b\r\nContent-Type: image/png; name={id}.png\r\nContent-ID: <{id}>\r\n\r\n{}\r\n", "x".repeat(bytes))
    };
    let images = [image("logo", 1_000), image("plan", 3_000_000), image("photo", 1_000_000)].concat();
    let original = format!(
        "Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n\
         <img src=cid:logo><img src='CID:pl%61n' alt=x><img src=cid:photo><img src=cid:other>\r\n{images}--b--\r\n"
    );
    let outline = Outline::of(original.as_bytes());
    let (shown, left_out) = outline.pictures();
    let numbers = |of: &[crate::reading::Attachment]| of.iter().map(|found| found.number).collect::<Vec<_>>();
    assert_eq!((numbers(&shown), numbers(&left_out)), (vec![1, 3], vec![2]));
    let own = shown.into_iter().map(|found| (found.content_id.unwrap(), "data:image/png;base64,".to_owned())).collect();
    let left_out = left_out.into_iter().map(|found| (found.content_id.unwrap(), found.name)).collect();
    let page = outline.html(within(original.as_bytes()), &Pictures { own, left_out, remote: false }, usize::MAX);
    let picture = "<img src=\"data:image/png;base64,\">";
    assert_eq!(page.html.trim(), format!("{picture}[plan.png]{picture}"));
}

#[test]
fn an_image_that_is_shown_many_times_makes_no_endless_page() {
    let own = [("a".to_owned(), "x".repeat(1 << 20))].into();
    let page = clean(&"<img src=cid:a>".repeat(1_000), &Pictures { own, ..Pictures::default() });
    assert!(page.is_cut && page.html.len() < 9 << 20, "{}", page.html.len());
}

/// Mails that lie beside the project, if they are there, with their names.
fn corpus() -> Vec<(String, Vec<u8>)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.ancestors().skip(1).map(|above| above.join("shared/corpus")).find(|found| found.exists());
    let (mut mails, mut folders): (_, Vec<PathBuf>) = (Vec::new(), root.into_iter().collect());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "eml") {
                let name = path.components().rev().take(2).map(|part| part.as_os_str().to_string_lossy().into_owned());
                mails.push((name.collect::<Vec<_>>().join(" of "), std::fs::read(&path).unwrap()));
            }
        }
    }
    mails
}

#[test]
fn mails_that_somebody_sent_are_read() {
    for (name, original) in corpus() {
        let outline = Outline::of(&original);
        let (text, page) = (text_of(&original), page_of(&original));
        assert!(!text.trim().is_empty() || outline.attachments().count() > 0, "{name}: nothing is shown");
        for attachment in outline.attachments() {
            assert!(safe_name(&attachment.name).as_deref() == Some(&attachment.name), "{name}: {}", attachment.name);
        }
        let subject = outline.head.subject.as_str();
        let names: Vec<_> = outline.attachments().map(|attachment| attachment.name).collect();
        let kinds: Vec<_> = outline.attachments().map(|attachment| attachment.kind).collect();
        match name.as_str() {
            "bare-lf.eml of odd" => assert_eq!((subject, text.as_str()), ("Sans CR", "Ligne 1\nLigne 2 sans fin")),
            "charset-unknown.eml of odd" => {
                assert_eq!((subject, text.as_str()), ("Reçu", "Délai"), "{name}");
                assert!(page.html.starts_with("Délai : 30 jours €"), "{}", page.html);
            }
            "file-name-in-parts.eml of odd" => {
                assert_eq!(names, ["Conclusions de synthèse - affaire Dupont c. Martin – définitif.pdf"]);
            }
            "subject-raw-gb18030.eml of odd" => assert!(subject.contains("合同"), "{subject}"),
            "type-is-an-encoded-word.eml of odd" => {
                assert_eq!((text.trim(), names.as_slice()), ("Annexe.", &["Procuration signée.pdf".to_owned()][..]));
            }
            "winmail-only.eml of odd" => assert_eq!(kinds, [PartKind::Winmail]),
            _ => {}
        }
    }
}
