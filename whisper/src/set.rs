//! The two settings of a file that can change after creation. Points already stored are not made anew.

use std::sync::Arc;

use crate::header::FIXED;
use crate::layer::WriteAt;
use crate::{AggregationMethod, Error, Header, Whisper, XFilesFactor};

impl<L: WriteAt> Whisper<L> {
    /// Changes how coarser points are made from now on, and gives the method until now. One `pwrite` of 16 bytes.
    ///
    /// # Errors
    /// What the system says; the file is then as it was.
    pub fn set_aggregation_method(&mut self, method: AggregationMethod) -> Result<AggregationMethod, Error> {
        let before = self.header.method;
        self.set(method, self.header.x_files_factor)?;
        Ok(before)
    }

    /// Changes which share of points must be known from now on, and gives the share until now. One `pwrite` of 16 bytes.
    ///
    /// # Errors
    /// What the system says; the file is then as it was.
    pub fn set_x_files_factor(&mut self, factor: XFilesFactor) -> Result<XFilesFactor, Error> {
        let before = self.header.x_files_factor;
        self.set(self.header.method, factor)?;
        Ok(before)
    }

    fn set(&mut self, method: AggregationMethod, x_files_factor: XFilesFactor) -> Result<(), Error> {
        let mut header = Header::clone(&self.header);
        (header.method, header.x_files_factor) = (method, x_files_factor);
        let bytes: [u8; FIXED] = header.fixed_bytes();
        self.write_at(&bytes, 0)?;
        self.header = Arc::new(header);
        Ok(())
    }
}
