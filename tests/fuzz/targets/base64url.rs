//! Base64url. The oracle is `data-encoding`.

use data_encoding::BASE64URL_NOPAD;
use edgemint::token::base64url;

pub(crate) fn check(data: &[u8]) {
    let decoded = base64url::decode(data);
    assert_eq!(decoded, BASE64URL_NOPAD.decode(data).ok());
    if let Some(bytes) = decoded {
        assert_eq!(base64url::encode(&bytes).as_bytes(), data, "two texts for the same bytes");
    }
    let encoded = base64url::encode(data);
    assert_eq!(encoded, BASE64URL_NOPAD.encode(data));
    assert_eq!(base64url::decode(encoded.as_bytes()).as_deref(), Some(data));
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let texts =
        ["", "Zg", "Zm8", "Zm9v", "Zm9vYmFy", "_-8", "__________8", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}
