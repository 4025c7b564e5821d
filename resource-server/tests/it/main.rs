//! The resource server over real databases.

#[cfg(test)]
mod book;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod guard;
#[cfg(test)]
mod ofxpera;
#[cfg(test)]
mod uae;
