//! The hash chain: unequal entries have unequal forms, and every single change is found where it was made.

use careline::domain::{
    chain::{ChainFault, ChainWalk, ChainedEntry, EntryKey, EntryMark, GENESIS, KeyRing, Link},
    ids::OrgId,
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use uuid::Uuid;

fn any_entry() -> impl Strategy<Value = ChainedEntry> {
    (
        any::<i64>(),
        "[a-z]{0,3}",
        proptest::option::of(any::<u128>().prop_map(Uuid::from_u128)),
        proptest::option::of("[a-z]{0,3}"),
        "[a-z]{0,3}",
        proptest::option::of(any::<u128>().prop_map(Uuid::from_u128)),
        proptest::collection::btree_map("[a-z]{0,2}", "[a-z]{0,2}", 0..3),
        any::<i64>(),
    )
        .prop_map(|(id, actor_kind, actor_id, actor_role, deed, patient, detail, at_micros)| ChainedEntry {
            id,
            actor_kind,
            actor_id,
            actor_role,
            deed,
            patient,
            subject: None,
            detail,
            at_micros,
            xid: 0,
            mark: None,
        })
}

fn chain(org: OrgId, entries: &[ChainedEntry]) -> Vec<Link> {
    let mut head = GENESIS;
    (1..)
        .zip(entries)
        .map(|(seq, entry)| {
            let hash = entry.hash(org, seq, &head);
            let link = Link {
                seq,
                entry_id: entry.id,
                entry: Some(entry.clone()),
                previous: head.to_vec(),
                hash: hash.to_vec(),
            };
            head = hash;
            link
        })
        .collect()
}

fn walk(org: OrgId, links: &[Link]) -> Result<i64, ChainFault> {
    let mut walk = ChainWalk::new(org);
    for link in links {
        walk.step(link, &KeyRing::new())?;
    }
    Ok(walk.seq())
}

proptest! {
    #[test]
    fn unequal_entries_have_unequal_forms(one in any_entry(), other in any_entry()) {
        prop_assert_eq!(one == other, one.canonical() == other.canonical());
    }

    #[test]
    fn one_change_anywhere_is_found_at_its_place(
        entries in proptest::collection::vec(any_entry(), 2..12), at in any::<proptest::sample::Index>(), how in 0..5u8,
    ) {
        let org = OrgId(Uuid::from_u128(7));
        let whole = chain(org, &entries);
        prop_assert_eq!(walk(org, &whole), Ok(i64::try_from(entries.len()).unwrap()));
        let place = at.index(whole.len());
        let mut changed = whole.clone();
        match how {
            0 => changed[place].entry.as_mut().unwrap().deed.push('x'),
            1 => changed[place].entry = None,
            2 => changed[place].hash[3] ^= 1,
            3 => changed[place].entry.as_mut().unwrap().detail = BTreeMap::from([("z".repeat(9), String::new())]),
            _ if place + 1 < changed.len() => { changed.remove(place); }
            _ => { changed[place].previous[0] ^= 1; }
        }
        prop_assert!(walk(org, &changed).is_err());
        // The control: a walk that only compares stored hashes with each other misses a changed entry.
        let believes = |links: &[Link]| links.windows(2).all(|pair| pair[0].hash == pair[1].previous);
        if how == 0 { prop_assert!(believes(&changed)); }
    }

    #[test]
    fn a_chain_of_one_organization_is_none_of_another(entries in proptest::collection::vec(any_entry(), 1..4)) {
        let links = chain(OrgId(Uuid::from_u128(7)), &entries);
        prop_assert!(walk(OrgId(Uuid::from_u128(8)), &links).is_err());
    }
}

proptest! {
    #[test]
    fn a_mark_fits_its_entry_its_organization_and_its_key_alone(entry in any_entry(), other in any_entry()) {
        let (org, elsewhere) = (OrgId(Uuid::from_u128(7)), OrgId(Uuid::from_u128(8)));
        let key = EntryKey::new("m1", &[3; 32]);
        let thief = EntryKey::new("m1", &[4; 32]);
        let marked = |key: &EntryKey, nonce: &[u8]| EntryMark {
            key: key.name().to_owned(), nonce: nonce.to_vec(), bytes: key.mark(org, &entry, nonce),
        };
        let mark = marked(&key, b"once");
        prop_assert!(key.fits(org, &entry, &mark));
        prop_assert_eq!(key.fits(org, &other, &mark), entry == other);
        prop_assert!(!key.fits(elsewhere, &entry, &mark));
        let again = EntryMark { nonce: b"twice".to_vec(), ..mark.clone() };
        prop_assert!(!key.fits(org, &entry, &again));
        prop_assert!(!key.fits(org, &entry, &marked(&thief, b"once")));
    }
}
