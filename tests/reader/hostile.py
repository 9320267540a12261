"""Writes a set of hostile mails into a folder, the same ones each time. What a script would do in them is to log RAN; what
is of elsewhere is of hosts below hostile.example."""

import base64
import pathlib
import sys
import zipfile
import io

LOGS = "console.log('RAN')"
AWAY = "http://{}.hostile.example/x"
HTML = {
    "script": f"<script>{LOGS}</script><SCRIPT/x>{LOGS}</SCRIPT>",
    "handlers": "".join(f"<p {name}=\"{LOGS}\" tabindex=1 contenteditable autofocus>x</p>" for name in (
        "onclick onload onerror onfocus onmouseover onanimationstart ontransitionend ontoggle onpointerrawupdate onbeforematch").split()),
    "image-error": f"<img src=x onerror=\"{LOGS}\"><img src=\"x:x\" OnError={LOGS}>",
    "pixel": f"<img src='{AWAY.format('pixel')}' width=1 height=1><img srcset='{AWAY.format('srcset')} 2x'>",
    "background": f"<body background='{AWAY.format('body')}'><table background='{AWAY.format('table')}'><tr><td>x</table>",
    "style": f"<style>@import '{AWAY.format('import')}';p{{background:url({AWAY.format('style')})}}</style><p>x</p>",
    "style-attribute": f"<p style=\"background:url('{AWAY.format('attribute')}')\">x</p><p style='width:expression({LOGS})'>x</p>",
    "style-escapes": f"<p style='background:u\\72l({AWAY.format('escape')})'>x</p><p style='b/**/ackground:url({AWAY.format('comment')})'>x</p>",
    "svg": f"<svg onload=\"{LOGS}\"><script>{LOGS}</script><image href='{AWAY.format('svg')}'/><animate onbegin=\"{LOGS}\" attributeName=x dur=1s></svg>",
    "svg-animate": f"<svg><a><animate attributeName=href values='javascript:{LOGS}'/><text y=20>x</text></a><use href='{AWAY.format('use')}'/></svg>",
    "svg-foreign": f"<svg><foreignObject><body xmlns='http://www.w3.org/1999/xhtml' onload=\"{LOGS}\"><iframe src='javascript:{LOGS}'></iframe></foreignObject></svg>",
    "mathml": f"<math><maction actiontype=statusline xlink:href='javascript:{LOGS}'>x</maction><mtext><img src=x onerror=\"{LOGS}\"></mtext></math>",
    "mathml-mutation": f"<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror={LOGS}&gt;\">",
    "noscript-mutation": f"<noscript><p title=\"</noscript><img src=x onerror={LOGS}>\">x</p></noscript>",
    "template": f"<template><img src=x onerror=\"{LOGS}\"></template><xmp><img src=x onerror=\"{LOGS}\"></xmp>",
    "namespaces": f"<x:script xmlns:x='http://www.w3.org/1999/xhtml'>{LOGS}</x:script><img xlink:href='{AWAY.format('xlink')}' x:onerror=\"{LOGS}\" src=x>",
    "refresh": f"<meta http-equiv=refresh content='0;url={AWAY.format('refresh')}'><meta http-equiv=set-cookie content='a=b'>",
    "base": f"<base href='{AWAY.format('base')}' target=_top><a href=x>x</a><img src=y>",
    "form": f"<form action='{AWAY.format('form')}' id=f><input name=password type=password autofocus onfocus=\"{LOGS}\"><button formaction='javascript:{LOGS}'>x</button></form>",
    "links": f"<link rel=stylesheet href='{AWAY.format('link')}'><link rel=dns-prefetch href='{AWAY.format('prefetch')}'><link rel=preload as=image href='{AWAY.format('preload')}'>",
    "frames": f"<iframe src='{AWAY.format('frame')}' srcdoc='<script>{LOGS}</script>'></iframe><object data='{AWAY.format('object')}'></object><embed src='{AWAY.format('embed')}'>",
    "media": f"<video poster='{AWAY.format('poster')}' src='{AWAY.format('video')}' autoplay></video><audio src='{AWAY.format('audio')}' autoplay></audio><source src='{AWAY.format('source')}'>",
    "javascript-links": f"<a href=\"javascript:{LOGS}\">a</a><a href=\"java&#10;script:{LOGS}\">b</a><a href=\"&#1;javascript:{LOGS}\">c</a><a href='data:text/html,<script>{LOGS}</script>'>d</a>",
    "entities": f"&lt;script&gt;{LOGS}&lt;/script&gt;<p title='&quot;&gt;&lt;script&gt;{LOGS}&lt;/script&gt;'>x</p>",
    "comments": f"<!--><img src=x onerror=\"{LOGS}\">--><![CDATA[<img src=x onerror=\"{LOGS}\">]]><?x <img src=x onerror=\"{LOGS}\">?>",
    "unclosed": f"<p title=\"<img src=x onerror={LOGS}>\"><a href=\"x\"><b><img src=x onerror={LOGS} ",
    "null-bytes": f"<scr\0ipt>{LOGS}</scr\0ipt><img src=x on\0error=\"{LOGS}\">",
    "deep": "<div>" * 50_000 + "at the bottom",
    "attributes": "<p " + " ".join(f"a{i}=x" for i in range(100_000)) + ">x</p>",
    "formatting": "<b><i><u>" * 5_000 + "<p>x" * 1_000,
    "tables": "<table><tr><td>" * 2_000 + "x",
}


def mail(subject, kind, body, head=""):
    return f"From: Mallory <mallory@hostile.example>\r\nTo: ada@lumen.example\r\nSubject: {subject}\r\nMessage-ID: <{subject}@hostile.example>\r\nMIME-Version: 1.0\r\n{head}Content-Type: {kind}\r\n\r\n".encode() + (
        body if isinstance(body, bytes) else body.encode("utf-8", "surrogateescape"))


def attached(subject, disposition, kind="application/octet-stream", content=b"x"):
    body = f"--b\r\nContent-Type: text/plain\r\n\r\nsee there\r\n--b\r\nContent-Type: {kind}\r\nContent-Disposition: {disposition}\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return mail(subject, "multipart/mixed; boundary=b", body.encode() + base64.encodebytes(content) + b"--b--\r\n")


def bomb():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("zeros", bytes(50_000_000))
    return packed.getvalue()


def nested(depth):
    inner = mail("innermost", "text/plain", "at the bottom")
    for _ in range(depth):
        inner = mail("nested", "message/rfc822", inner)
    return inner


def mails():
    for name, html in HTML.items():
        yield f"html-{name}", mail(f"html {name}", "text/html; charset=utf-8", html)
    yield "html-utf-7", mail("html utf-7", "text/html; charset=utf-7", f"+ADw-script+AD4-{LOGS}+ADw-/script+AD4-")
    yield "html-utf-16", mail("html utf-16", "text/html; charset=utf-16le", f"<script>{LOGS}</script>".encode("utf-16le"))
    yield "cid", mail("cid", "multipart/related; boundary=b", f"--b\r\nContent-Type: text/html\r\n\r\n<img src='cid:a'><img src='cid:b'>\r\n--b\r\nContent-Type: image/svg+xml\r\nContent-ID: <a>\r\n\r\n<svg xmlns='http://www.w3.org/2000/svg' onload=\"{LOGS}\"/>\r\n--b--\r\n")
    yield "name-bidi", attached("name bidi", "attachment; filename*=utf-8''invoice%E2%80%AEfdp.exe")
    yield "name-path", attached("name path", 'attachment; filename="../../../etc/passwd"')
    yield "name-windows", attached("name windows", 'attachment; filename="C:\\\\windows\\\\CON.txt"')
    yield "name-line", attached("name line", "attachment; filename*=utf-8''a%0D%0ASet-Cookie%3A%20x%3Dy.txt")
    yield "name-html", attached("name html", "attachment; filename=\"<img src=x onerror=console.log('RAN')>.txt\"")
    yield "type-html", attached("type html", "inline; filename=page.html", "text/html", f"<script>{LOGS}</script>".encode())
    yield "type-image", attached("type image", "inline; filename=a.png", "image/png", f"<script>{LOGS}</script>".encode())
    yield "zip-bomb", attached("zip bomb", "attachment; filename=bomb.zip", "application/zip", bomb())
    yield "winmail", attached("winmail", "attachment; filename=winmail.dat", "application/ms-tnef", b"\x78\x9f\x3e\x22" + bytes(64))
    yield "parts", mail("100,000 parts", "multipart/mixed; boundary=b", "--b\r\n\r\nx\r\n" * 100_000 + "--b--\r\n")
    yield "headers", mail("100,000 headers", "text/plain", "x", "X-Filler: x\r\n" * 100_000)
    yield "long-header", mail("long header", "text/plain", "x", "X-Filler: " + "x" * 2_000_000 + "\r\n")
    yield "multiparts", mail("multiparts", "multipart/mixed; boundary=b0", "".join(
        f"--b{i}\r\nContent-Type: multipart/mixed; boundary=b{i + 1}\r\n\r\n" for i in range(5_000)))
    yield "nested", nested(300)
    yield "no-boundary", mail("no boundary", "multipart/mixed", "plain text all the same")
    yield "bad-base64", mail("bad base64", "text/plain", "%%%=A=B\r\nhello", "Content-Transfer-Encoding: base64\r\n")
    yield "bad-quoted", mail("bad quoted", "text/plain", "=ZZ=\r\n=E9=", "Content-Transfer-Encoding: quoted-printable\r\n")
    yield "bad-utf-8", mail("bad utf-8", "text/plain; charset=utf-8", b"\xff\xfe\xc3\x28 x")
    yield "subject-controls", mail("=?utf-8?B?" + base64.b64encode("a\x00\x1b[2J\u202egnp".encode()).decode() + "?=", "text/plain", "x")
    for charset, text in (("gb18030", "发票已附上"), ("big5", "請求書"), ("shift_jis", "請求書を添付"), ("iso-2022-jp", "請求書"),
                          ("euc-kr", "청구서"), ("windows-1251", "Счёт"), ("windows-1253", "Τιμολόγιο"), ("windows-1255", "חשבונית"), ("windows-1256", "فاتورة")):
        yield f"charset-{charset}", mail(f"charset {charset}", f"text/plain; charset={charset}", text.encode(charset))


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in mails():
        (folder / f"hostile-{name}.eml").write_bytes(content)
