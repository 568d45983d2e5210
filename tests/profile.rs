//! What customers tell about themselves, and the files they hand in.

mod crowd;
mod downloads;
mod form;
mod hostile;
mod update;

use form::Form;
