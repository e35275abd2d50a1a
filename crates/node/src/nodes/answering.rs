//! What this node answers to the surveys of others.

use bytes::Bytes;
use prost::Message as _;
use veche_engine::control::{Message, NodeId, Recipient, Survey, SurveyAnswer, SurveyCode};

use super::wire::{
    CHANNELS, CONNECTIONS, ConnectionsAnswer, ConnectionsQuestion, NamesAnswer, NamesQuestion,
    SUMMARY, SummaryAnswer, USERS, came,
};
use crate::inquiry::Inquiry;
use crate::node::Node;

impl Node {
    /// Answers a survey of another node beside the workers.
    pub(super) fn answer_later(self: std::sync::Arc<Self>, from: NodeId, survey: Survey) {
        let node = self.clone();
        self.answers().spawn(async move {
            let answered = match node.survey_permits().try_acquire() {
                Ok(_permit) => node.answer(&survey.operation, survey.data).await,
                Err(_) => Err(SurveyCode::FAILED),
            };
            let (code, data) = match answered {
                Ok(data) => (SurveyCode::DONE, data),
                Err(code) => (code, Bytes::new()),
            };
            let id = survey.id;
            let answer = SurveyAnswer { id, code, data };
            node.send_to(Recipient::Node(from), Message::Answer(answer));
        });
    }

    async fn answer(&self, operation: &str, data: Bytes) -> Result<Bytes, SurveyCode> {
        match operation {
            SUMMARY => Ok(SummaryAnswer::from(self.summary()).encode_to_vec().into()),
            CONNECTIONS => {
                let question = ConnectionsQuestion::decode(data).map_err(unreadable)?;
                let limit = came(question.limit);
                let (wanted, from) = question.parts();
                let page = self.local_connections(wanted.into(), &|_| true, from, limit);
                let page = page.await.ok_or(SurveyCode::FAILED)?;
                let answer = ConnectionsAnswer {
                    rows: page.items.into_iter().map(Into::into).collect(),
                    next: page.next.map(Into::into),
                };
                Ok(answer.encode_to_vec().into())
            }
            USERS => self.answer_names(Inquiry::Users, data).await,
            CHANNELS => self.answer_names(Inquiry::Channels, data).await,
            _ => Err(SurveyCode::UNKNOWN),
        }
    }

    /// One slice of each worker, merged.
    async fn answer_names<T: super::listing::Name>(
        &self,
        inquiry: super::listing::Ask<T>,
        data: Bytes,
    ) -> Result<Bytes, SurveyCode> {
        let question = NamesQuestion::decode(data).map_err(unreadable)?;
        let limit = came(question.limit);
        let stretch = self.local_names(inquiry, question.names(), limit).await;
        let stretch = stretch.ok_or(SurveyCode::FAILED)?;
        Ok(NamesAnswer::from(stretch).encode_to_vec().into())
    }
}

fn unreadable(error: prost::DecodeError) -> SurveyCode {
    tracing::warn!(%error, "another node's question can't be read");
    SurveyCode::BAD_REQUEST
}
