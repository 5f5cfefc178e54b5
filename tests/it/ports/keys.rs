//! The port of keys, one suite for every adapter: a key file, and HashiCorp Vault's Transit engine behind its own wire.

use crate::support::transit::{self, TOKEN};
use careline::{
    adapters::{key_file::KeyFile, transit::Transit},
    domain::{ids::OrgId, private::Private, sealed::WrappedKey},
    ports::{
        Outage, OutageKind,
        keys::{Keys, Purpose, SealKey},
    },
};
use ed25519_dalek::{Signature, Verifier, VerifyingKey};
use url::Url;
use uuid::Uuid;

fn refused<T>(outcome: Result<T, Outage>) -> bool {
    matches!(outcome, Err(Outage { kind: OutageKind::Refused(_), .. }))
}

/// What every keeper of keys must do.
async fn conforms(keys: &dyn Keys) {
    let (org, other) = (OrgId(Uuid::now_v7()), OrgId(Uuid::now_v7()));
    let key = SealKey::fresh();
    let wrapped = keys.wrap(org, &key).await.unwrap();
    assert_eq!(wrapped.key, keys.wrapping_key());
    assert_eq!(keys.unwrap(org, &wrapped).await.unwrap().0, key.0);
    assert_ne!(keys.wrap(org, &key).await.unwrap().bytes, wrapped.bytes, "no two wrappings are alike");
    assert!(refused(keys.unwrap(other, &wrapped).await), "bound to its organization");
    for at in [0, wrapped.bytes.len() / 2, wrapped.bytes.len() - 1] {
        let mut altered = wrapped.clone();
        altered.bytes[at] ^= 1;
        assert!(refused(keys.unwrap(org, &altered).await), "byte {at} was altered");
    }
    let renamed = WrappedKey { key: "w99".to_owned(), ..wrapped.clone() };
    assert!(refused(keys.unwrap(org, &renamed).await), "a name that is not its own");

    let mark = keys.mark(Purpose::Password, org, None, b"bytes").await.unwrap();
    assert_eq!(mark.bytes.len(), 32);
    assert_eq!(keys.mark(Purpose::Password, org, Some(&mark.key), b"bytes").await.unwrap(), mark);
    for different in [
        keys.mark(Purpose::Entry, org, None, b"bytes").await.unwrap(),
        keys.mark(Purpose::Lookup, org, None, b"bytes").await.unwrap(),
        keys.mark(Purpose::Code, org, None, b"bytes").await.unwrap(),
        keys.mark(Purpose::Password, other, None, b"bytes").await.unwrap(),
        keys.mark(Purpose::Password, org, None, b"Bytes").await.unwrap(),
    ] {
        assert_ne!(different.bytes, mark.bytes);
    }
    assert!(refused(keys.mark(Purpose::Password, org, Some("m99"), b"bytes").await));

    let signature = keys.sign(b"note").await.unwrap();
    let public = VerifyingKey::from_bytes(signature.public.as_slice().try_into().unwrap()).unwrap();
    let bytes = Signature::from_slice(&signature.bytes).unwrap();
    public.verify(b"note", &bytes).unwrap();
    assert!(public.verify(b"other", &bytes).is_err(), "the control: another text");
    let signers = keys.signers().await.unwrap();
    assert!(signers.iter().any(|key| key.name == signature.key && key.bytes.as_slice() == signature.public));
}

#[tokio::test]
async fn a_key_file_keeps_keys() {
    conforms(&KeyFile::read(KeyFile::fresh().reveal()).unwrap()).await;
}

async fn open(address: &str, token: &str) -> Result<Transit, Outage> {
    Transit::open(&Url::parse(address).unwrap(), Private::new(token.to_owned())).await
}

#[tokio::test]
async fn vault_transit_keeps_keys() {
    let (address, _) = transit::serve().await;
    conforms(&open(&address, TOKEN).await.unwrap()).await;
}

#[tokio::test]
async fn a_rotation_in_vault_is_noticed_and_a_version_that_was_retired_there_opens_nothing() {
    let (address, state) = transit::serve().await;
    let keys = open(&address, TOKEN).await.unwrap();
    let org = OrgId(Uuid::now_v7());
    let before = keys.wrap(org, &SealKey::fresh()).await.unwrap();
    let marked = keys.mark(Purpose::Lookup, org, None, b"name").await.unwrap();
    state.lock().unwrap().versions = 2;
    let after = keys.wrap(org, &SealKey::fresh()).await.unwrap();
    assert_ne!(before.key, after.key);
    assert_eq!(keys.wrapping_key(), after.key);
    keys.unwrap(org, &before).await.unwrap();
    let again = keys.mark(Purpose::Lookup, org, Some(&marked.key), b"name").await.unwrap();
    assert_eq!(again, marked, "what was marked before is still found");
    let swapped = WrappedKey { key: after.key.clone(), bytes: before.bytes.clone() };
    assert!(refused(keys.unwrap(org, &swapped).await), "an older version under the newest name would be forgotten");
    state.lock().unwrap().least = 2;
    assert!(refused(keys.unwrap(org, &before).await));
    keys.unwrap(org, &after).await.unwrap();
}

#[tokio::test]
async fn a_vault_that_is_sealed_away_or_refuses_is_told_apart() {
    let (address, state) = transit::serve().await;
    let keys = open(&address, TOKEN).await.unwrap();
    let org = OrgId(Uuid::now_v7());
    state.lock().unwrap().sealed = true;
    assert_eq!(keys.wrap(org, &SealKey::fresh()).await.unwrap_err().kind, OutageKind::Broken);
    assert_eq!(open(&address, TOKEN).await.err().unwrap().kind, OutageKind::Broken);
    state.lock().unwrap().sealed = false;
    keys.wrap(org, &SealKey::fresh()).await.unwrap();
    let denied = open(&address, "hvs.another").await.err().unwrap();
    assert_eq!(denied.kind, OutageKind::Refused("denied".to_owned()));
    let nowhere = open("http://127.0.0.1:1/v1/transit/keys-careline", TOKEN).await.err().unwrap();
    assert_eq!(nowhere.kind, OutageKind::Unreachable);
    state.lock().unwrap().derived = false;
    let unfit = open(&address, TOKEN).await.err().unwrap();
    assert_eq!(
        unfit.kind,
        OutageKind::Refused("key_not_derived".to_owned()),
        "one key for all would mix organizations"
    );
}
