//! The operator page: the files of `web/`, inside the executable.

use bytes::Bytes;
use rust_embed::RustEmbed;

/// A file of the page.
pub struct File {
    /// Its media type.
    pub content_type: &'static str,
    /// Its content; shared, not copied.
    pub content: Bytes,
}

/// The file that a request's path stands for.
pub fn find(path: &str) -> Option<File> {
    let name = match path.strip_prefix('/')? {
        "" => "index.html",
        name => name,
    };
    let content = match Web::get(name)?.data {
        std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        std::borrow::Cow::Owned(bytes) => bytes.into(),
    };
    Some(File { content_type: content_type(name), content })
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("txt" | "md") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[derive(RustEmbed)]
#[folder = "web/"]
struct Web;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: Option<&str>) {
        assert_eq!(find(path).map(|file| file.content_type), expected, "{path}");
    }

    #[test]
    fn a_path_finds_a_file_of_the_page_and_nothing_else() {
        check("/", Some("text/html; charset=utf-8"));
        check("/index.html", Some("text/html; charset=utf-8"));
        check("", None);
        check("index.html", None);
        check("//index.html", None);
        check("/../Cargo.toml", None);
        check("/..%2fCargo.toml", None);
        check("/missing.js", None);
    }

    #[test]
    fn scripts_and_styles_have_the_types_that_nosniff_demands() {
        assert_eq!(content_type("lib/client.js"), "text/javascript; charset=utf-8");
        assert_eq!(content_type("style.css"), "text/css; charset=utf-8");
        assert_eq!(content_type("logo.svg"), "image/svg+xml");
        assert_eq!(content_type("noextension"), "application/octet-stream");
    }
}
