//! Works at an erasure that was asked for: previews it, and carries it out once it is confirmed.

use crate::{
    aws::table::{Row, Write},
    evidence::erasure::{
        eraser::Eraser,
        order::{ErasureOrder, ErasureState, ErasureTarget},
        refusal::EraseError,
    },
};

impl ErasureOrder {
    /// Does what is to be done of it: its preview, or once it is confirmed, the erasure.
    ///
    /// Errors: S3 or the table refuses or does not answer; it is refused after it began. Before that, a refusal is no
    /// error but its state.
    pub async fn work(mut row: Row<Self>, eraser: &Eraser<'_>) -> Result<ErasureState, EraseError> {
        let now = eraser.clock.now();
        let ended = match &row.value.progress {
            ErasureState::Requested if row.value.target == ErasureTarget::Retention => {
                Self::preview_pages(&mut row, eraser).await
            }
            ErasureState::Requested => row.value.preview(eraser).await,
            ErasureState::Confirmed { .. } if row.value.paging.is_some() => {
                Self::carry_out_pages(&mut row, eraser).await
            }
            ErasureState::Confirmed { .. } => Self::carry_out(&mut row, eraser).await,
            other => Ok(other.clone()),
        };
        row.value.settle(ended)?;
        let order = &row.value;
        tracing::info!(firm.id = %order.firm, erasure.id = %order.id, state = ?order.progress, at = %now, "erasure went on");
        eraser.table.write(Write::replace(&row)).await?;
        Ok(row.value.progress)
    }

    /// Erases, and once more after the rounds that were under way have ended.
    async fn carry_out(row: &mut Row<Self>, eraser: &Eraser<'_>) -> Result<ErasureState, EraseError> {
        let found = eraser.find(&row.value.erasure()).await?;
        if !row.value.has_begun {
            (row.value.has_begun, row.value.mailboxes) = (true, found.mailboxes());
            eraser.table.write(Write::replace(row)).await?;
            row.written();
        }
        eraser.carry_out(&row.value.erasure(), &found).await?;
        let count = row.value.erased.unwrap_or_default() + found.count();
        Ok(row.value.pass(count, eraser.clock.now()))
    }

    async fn preview(&mut self, eraser: &Eraser<'_>) -> Result<ErasureState, EraseError> {
        let has_more = self.select(eraser).await?;
        let count = eraser.preview(&self.erasure()).await?;
        Ok(ErasureState::Previewed { count, has_more })
    }
}
