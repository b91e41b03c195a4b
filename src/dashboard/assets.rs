//! The style sheet, the script and the icons: in the program, under names that change with them.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

use crate::admin::AdminRequest;
use crate::web::Reply;

/// A file that pages load.
pub(super) struct Asset {
    bytes: &'static [u8],
    media_type: &'static str,
    name: String,
}

impl Asset {
    fn new(stem: &str, ending: &str, media_type: &'static str, bytes: &'static [u8]) -> Asset {
        let hash = Sha256::digest(bytes);
        let hash: String = hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Asset { bytes, media_type, name: format!("{stem}-{hash}.{ending}") }
    }

    /// Its name, with a part of the hash of what is in it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

pub(super) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("dashboard", "css", "text/css; charset=utf-8", include_bytes!("assets/dashboard.css"))
});
pub(super) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("dashboard", "js", "text/javascript; charset=utf-8", include_bytes!("assets/dashboard.js"))
});
pub(super) static ICONS: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icons", "svg", "image/svg+xml", include_bytes!("assets/icons.svg")));

/// The file with this name; none where there is no such.
pub(super) fn answer(name: &str, request: &AdminRequest<'_>) -> Option<Reply> {
    let asset = [&STYLE, &SCRIPT, &ICONS].into_iter().find(|asset| asset.name == name)?;
    if !matches!(request.http.method, "GET" | "HEAD") {
        return None;
    }
    let mut reply = Reply::empty(200);
    reply.body = asset.bytes.to_vec();
    // The name changes with what is in it: it may be kept for good.
    Some(
        reply
            .header("content-type", asset.media_type)
            .header("cache-control", "public, max-age=31536000, immutable")
            .header("x-content-type-options", "nosniff")
            .header("content-security-policy", "default-src 'none'"),
    )
}
