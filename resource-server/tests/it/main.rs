//! The resource server over real databases.

mod book;
mod fixture;
mod guard;
mod ofxpera;
