//! The demo's nurse reads pages as a person does.

use careline::demo::page::{Form, Page};

fn page(html: &str) -> Page {
    Page { status: 200, at: "/here".to_owned(), html: html.to_owned() }
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn words_are_read_without_tags_scripts_and_entities() {
    let page = page(
        "<head><title>x</title></head><body><!-- no --><p>Rosa&#39;s <strong>call</strong> &amp; more</p>\
         <script>var a = 1 < 2;</script><p>end</p></body>",
    );
    assert_eq!(page.text(), "Rosa's call & more end");
}

#[test]
fn links_come_with_their_words() {
    let page = page("<a class=\"x\" href=\"/calls/1?a=1&amp;b=2\">Open <span>the call</span></a> <a href=\"/x\">X</a>");
    assert_eq!(page.links(), [pair("/calls/1?a=1&b=2", "Open the call"), pair("/x", "X")]);
}

#[test]
fn a_form_sends_what_a_browser_would_send() {
    let page = page(
        "<input name=\"outside\" type=\"hidden\" value=\"1\">\
         <form method=\"post\" action=\"/calls/1/answers\">\
         <input type=\"hidden\" name=\"revision\" value=\"3\">\
         <input type=\"radio\" name=\"q\" value=\"yes\"><input type=\"radio\" name=\"q\" value=\"no\" checked>\
         <input type=\"checkbox\" name=\"c\" value=\"a\" data-note=\"is checked > maybe\">\
         <select name=\"s\"><option value=\"1\">one</option><option value=\"2\" selected>two</option></select>\
         <textarea name=\"t\">a &lt; b</textarea><button name=\"do\" value=\"sign\">Sign</button></form>",
    );
    let form = page.form("/answers").unwrap();
    assert_eq!(form.fields, [pair("revision", "3"), pair("q", "no"), pair("s", "2"), pair("t", "a < b")]);
    assert!(
        form.offers("q", "yes") && form.offers("do", "sign") && form.offers("s", "1") && !form.offers("q", "maybe")
    );
    let changed = form.with("q", "yes");
    assert_eq!(changed.fields.iter().filter(|(name, _)| name == "q").count(), 1);
    assert!(page.form("/elsewhere").is_none());
    assert_ne!(changed, Form::default());
}

#[test]
fn parts_are_found_by_their_class() {
    let page = page(
        "<div class=\"quote passage\"><div>inner</div> outer</div><p class=\"fault\">wrong</p><p class=\"quoted\">no</p>",
    );
    assert_eq!(page.texts_of_class("quote"), ["inner outer"]);
    assert_eq!(page.texts_of_class("fault"), ["wrong"]);
}
