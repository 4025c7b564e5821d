//! What is kept as text: the JSON form of a model type, behind a version.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::super::database::{DbError, Row};
use super::fault;
use crate::model::grant::{Grant, Stage};
use crate::refusal::Fault;

/// The version of the form. Another one is read only by code that knows it.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Kept<'r, T> {
    v: u32,
    record: &'r T,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Found<T> {
    v: u32,
    record: T,
}

pub(super) fn write<T: Serialize>(record: &T) -> Result<String, Fault> {
    serde_json::to_string(&Kept { v: VERSION, record }).map_err(|_| Fault::new("store", "no JSON form"))
}

/// The record in a column of a row. The error does not show what is in it.
pub(super) fn read<T: DeserializeOwned>(row: &Row, column: &'static str) -> Result<T, Fault> {
    let text = row.text(column).map_err(fault)?;
    match serde_json::from_str::<Found<T>>(text) {
        Ok(found) if found.v == VERSION => Ok(found.record),
        Ok(_) | Err(_) => Err(corrupt(&format!("column {column} is not a record of version {VERSION}"))),
    }
}

/// The grant in a row. How far it has come stands in a column of its own.
pub(super) fn grant_in(row: &Row) -> Result<Grant, Fault> {
    Ok(Grant { stage: stage_in(row)?, ..read(row, "record")? })
}

pub(super) fn stage_in(row: &Row) -> Result<Stage, Fault> {
    match row.text("stage").map_err(fault)? {
        "opened" => Ok(Stage::Opened),
        "redeemed" => Ok(Stage::Redeemed),
        "revoked" => Ok(Stage::Revoked),
        _ => Err(corrupt("column stage holds no stage")),
    }
}

fn corrupt(detail: &str) -> Fault {
    fault(DbError::Corrupt { detail: detail.to_owned() })
}
