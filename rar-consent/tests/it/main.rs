//! Details and consents as an embedder meets them.

#[cfg(test)]
mod approvals;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod endpoints;
#[cfg(test)]
mod engine;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod exercise;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod generic;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod ofxpera;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod status;
#[cfg(test)]
mod stores;
#[cfg(test)]
mod subscription;
#[cfg(test)]
mod uae;
#[cfg(test)]
mod uae_types;
#[cfg(test)]
mod uae_v1_2;
