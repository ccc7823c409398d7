//! Forms in parts, as `curl --form` and Python's `requests` send them: `multipart/form-data`.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use multer::Multipart;

use super::fault::{Fault, shortened};

/// The type of such a body, in front of its parameters.
pub(super) const KIND: &str = "multipart/form-data";

/// The fields of a whole body, in order. Files are left out, as graphite-web leaves them out.
///
/// # Errors
/// A body that is not what its type says, or values that are no UTF-8.
pub(super) async fn fields(content_type: &str, body: Bytes) -> Result<Vec<(String, String)>, Fault> {
    let refused = |why: multer::Error| Fault::bad(format!("the form in the body: {}", shortened(&why.to_string())));
    let boundary = multer::parse_boundary(content_type).map_err(refused)?;
    let mut parts = Multipart::new(stream::iter([Ok::<_, Infallible>(body)]), boundary);
    let mut fields = Vec::new();
    while let Some(part) = parts.next_field().await.map_err(refused)? {
        let name = part.name().unwrap_or_default().to_owned();
        if part.file_name().is_some() {
            continue;
        }
        let value = part.bytes().await.map_err(refused)?;
        let value = String::from_utf8(value.into())
            .map_err(|_| Fault::parameter(&name, format!("the value of `{}` is not UTF-8", shortened(&name))))?;
        fields.push((name, value));
    }
    Ok(fields)
}
