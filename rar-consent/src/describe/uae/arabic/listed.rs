//! Payments on listed days, in Arabic.

use super::{Around, InAll, PartWords, counted, in_all, isolated, of_all};
use crate::consent::outlook::bounds;
use crate::consent::schedule::{ListedPayment, Maxima};
use crate::describe::{Row, plain, strong};
use crate::value::amount::Amount;

pub(super) fn exactly((payments, lifetime): (&[ListedPayment], &Maxima), around: &Around<'_>) -> PartWords {
    let (payee, until) = (isolated(around.payee), around.until);
    let most = bounds(payments, lifetime);
    let bounded = most != bounds(payments, &Maxima::default());
    let InAll { bounds, .. } = in_all(&most);
    let sum = most.value.as_ref().map(Amount::to_string).unwrap_or_default();
    let total = isolated(&sum);
    let counted = counted(most.count.unwrap_or(u32::MAX));
    let mut rows: Vec<Row> = payments
        .iter()
        .map(|listed| strong(&listed.day.words_in_arabic(), listed.amount.to_string()))
        .collect();
    match bounded {
        true => rows.extend(of_all(lifetime)),
        false => rows.push(strong("مجموع الدفعات", sum.clone())),
    }
    let in_all = if bounded { bounds } else { format!("بمجموع {total}") };
    rows.push(plain("عدد المرات", "مرة واحدة في كل يوم من هذه الأيام"));
    PartWords {
        headline: format!("هل تريد دفع {total} إلى {payee} على {counted}؟"),
        gist: format!("{total} على {counted} في أيام محددة"),
        lead: "المبلغ الإجمالي",
        amount: sum,
        note: format!("على {counted} في الأيام المبينة أدناه"),
        rows,
        next: format!(
            "ستُدفع المبالغ المبينة بالضبط إلى {payee} في أيامها، {in_all}. والدفعة التي تفوت لا تُنفَّذ لاحقًا. ولا يُدفع \
             شيء بعد {until}."
        ),
    }
}

pub(super) fn up_to((payments, lifetime): (&[ListedPayment], &Maxima), around: &Around<'_>) -> PartWords {
    let (payee, until) = (isolated(around.payee), around.until);
    let most = bounds(payments, lifetime);
    let InAll { bounds, .. } = in_all(&most);
    let counted = counted(most.count.unwrap_or(u32::MAX));
    let sum = most.value.as_ref().map(Amount::to_string).unwrap_or_default();
    let total = isolated(&sum);
    let day = |listed: &ListedPayment| {
        strong(&listed.day.words_in_arabic(), format!("ما لا يتجاوز {}", isolated(&listed.amount)))
    };
    let mut rows: Vec<Row> = payments.iter().map(day).collect();
    rows.extend(of_all(lifetime));
    rows.push(plain("عدد المرات", "مرة واحدة على الأكثر في كل يوم من هذه الأيام، كلما طلب الطرف الثالث ذلك"));
    PartWords {
        headline: format!("هل تسمح بدفع ما لا يتجاوز {total} إلى {payee} على {counted}؟"),
        gist: format!("ما لا يتجاوز {total} على {counted} في أيام محددة"),
        lead: "الحد الأقصى لمجموع الدفعات",
        amount: sum,
        note: format!("على {counted} كحد أقصى في الأيام المبينة أدناه"),
        rows,
        next: format!(
            "يمكن للطرف الثالث أن يطلب دفعة واحدة إلى {payee} في كل يوم من الأيام المبينة، بما لا يتجاوز مبلغ ذلك اليوم، دون \
             الرجوع إليك: {bounds}. والدفعة التي تفوت لا تُنفَّذ لاحقًا. ولا يُدفع شيء بعد {until}."
        ),
    }
}
