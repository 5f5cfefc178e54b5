//! Single sign-on: who a provider says somebody is, and what membership of its groups means here.

use super::{people::Role, private::Private};
use chrono::{DateTime, Utc};

/// Most characters of a group's name.
pub const LONGEST_GROUP: usize = 200;
/// Most groups that can mean something.
pub const MOST_GROUPS: usize = 100;

/// Who a provider says somebody is, once its token was checked.
#[derive(Clone)]
pub struct Person {
    /// The provider's own id of them; it never goes to another person.
    pub subject: String,
    /// Their e-mail address, if the provider has verified it.
    pub email: Option<Private<String>>,
    /// Their name.
    pub full_name: Private<String>,
    /// The groups they are in.
    pub groups: Vec<String>,
    /// When they last proved to the provider who they are, if it says so.
    pub proven_at: Option<DateTime<Utc>>,
}

/// What membership of a group means here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRole {
    /// The provider's name of the group.
    pub group: String,
    /// The role of its members. `Admin` lets an admin of ours keep the role; it never makes one.
    pub role: Role,
    /// The care team in which whoever is new through it begins; later their teams are kept here.
    pub team: Option<String>,
}

/// The role somebody has from now on: the one they have, while a group of theirs still means it; otherwise the first that
/// their groups mean; none when they mean nothing. Nobody becomes an admin by a group, because then whoever administers
/// the provider could, without anybody here having agreed.
#[must_use]
pub fn role_of(groups: &[String], meanings: &[GroupRole], present: Option<Role>) -> Option<Role> {
    let meant = |role: Role| meanings.iter().any(|meaning| meaning.role == role && groups.contains(&meaning.group));
    let kept = present.filter(|role| meant(*role));
    kept.or_else(|| {
        [Role::Physician, Role::Coordinator, Role::Nurse, Role::Auditor].into_iter().find(|role| meant(*role))
    })
}

/// The care team in which somebody new begins, who has a role by their groups.
#[must_use]
pub fn team_of<'a>(groups: &[String], meanings: &'a [GroupRole], role: Role) -> Option<&'a str> {
    let fits = |meaning: &&GroupRole| meaning.role == role && groups.contains(&meaning.group);
    meanings.iter().filter(fits).find_map(|meaning| meaning.team.as_deref())
}

/// Reads a mapping as an admin types it: one `group = role` a line, or `group = role, care team`.
///
/// # Errors
/// Names the line and what is wrong with it.
pub fn read_groups(text: &str) -> Result<Vec<GroupRole>, String> {
    let mut groups: Vec<GroupRole> = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let read = read_group(line).map_err(|fault| format!("groups, line {}: {fault}", number + 1))?;
        if groups.iter().any(|known| known.group == read.group) {
            return Err(format!("groups, line {}: this group is there already", number + 1));
        }
        groups.push(read);
    }
    match groups.len() {
        0 => Err("groups: write at least one line, such as careline-nurses = nurse".to_owned()),
        1..=MOST_GROUPS => Ok(groups),
        _ => Err(format!("groups: at most {MOST_GROUPS} can mean something")),
    }
}

fn read_group(line: &str) -> Result<GroupRole, String> {
    let (group, meaning) = line.rsplit_once('=').ok_or("write a group, =, and a role")?;
    let group = group.trim();
    if !(1..=LONGEST_GROUP).contains(&group.chars().count()) {
        return Err(format!("a group's name has 1 to {LONGEST_GROUP} characters"));
    }
    let (word, team) = meaning.split_once(',').map_or((meaning, None), |(word, team)| (word, Some(team.trim())));
    let role = Role::from_word(word.trim()).ok_or_else(|| {
        let words: Vec<&str> = Role::ALL.iter().map(|role| role.word()).collect();
        format!("the role is one of {}", words.join(", "))
    })?;
    if team.is_some() && !role.serves_patients() {
        return Err(format!("{} serves in no care team; leave it out", role.word()));
    }
    Ok(GroupRole { group: group.to_owned(), role, team: team.map(str::to_owned) })
}

/// A mapping as an admin types it.
#[must_use]
pub fn write_groups(groups: &[GroupRole]) -> String {
    let team = |known: &GroupRole| known.team.as_ref().map_or_else(String::new, |team| format!(", {team}"));
    let line = |known: &GroupRole| format!("{} = {}{}", known.group, known.role.word(), team(known));
    groups.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The host of a provider, for a button.
#[must_use]
pub fn host_of(issuer: &str) -> &str {
    let after = issuer.split_once("://").map_or(issuer, |(_, after)| after);
    after.split(['/', '?', '#']).next().unwrap_or(after)
}
