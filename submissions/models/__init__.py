"""The tables. `from submissions.models import Submission` finds each of them, and Alembic all of them."""

from submissions.models.address import Address, ConversationAddress
from submissions.models.base import Base, utc_now
from submissions.models.coding import (
    Codeframe,
    Coding,
    CodingItem,
    CodingRound,
    Evidence,
    Recoding,
    SubCode,
)
from submissions.models.conversation import Channel, Conversation, DeliveryStatus, Direction, Message
from submissions.models.delivery import (
    Delivery,
    DeliveryKind,
    DeliveryReceipt,
    MessageTemplate,
    SendingState,
)
from submissions.models.demonstration import DemonstrationView
from submissions.models.desk import (
    AnalystNote,
    Assignment,
    Redaction,
    RedactionSpan,
    SafeguardingCase,
    SafeguardingLead,
    SafeguardingOutcome,
    SavedView,
)
from submissions.models.evidence import EvidenceContribution, EvidenceSession, SessionChange, SessionFile
from submissions.models.export import ExportJob, ExportState
from submissions.models.forum import (
    Attendee,
    ConversationForum,
    FollowUp,
    FollowUpRecipient,
    FollowUpState,
    FollowUpText,
    Forum,
    ForumLinkWay,
    RecipientState,
)
from submissions.models.media import MediaFile, MediaState
from submissions.models.opt_out import OptOut, OptOutWay, Purpose
from submissions.models.outcome import Outcome, OutcomeAnnouncement, OutcomeState, OutcomeText
from submissions.models.paper import PaperBatch, PaperForm
from submissions.models.reply import CannedReply, Reply, ReplyState
from submissions.models.reviewer import (
    ApiToken,
    AuditEntry,
    DeskSession,
    RecoveryCode,
    Reviewer,
    Role,
    SignInStep,
)
from submissions.models.rights import EarlierText, Forgetting, HearBack
from submissions.models.stakeholder import (
    ContactKind,
    Offer,
    OfferState,
    Stakeholder,
    StakeholderContact,
    StakeholderKind,
    StakeholderSession,
    StakeholderSubmission,
)
from submissions.models.submission import Submission, SubmissionPart, SubmissionStatus
from submissions.models.theme import CandidateTheme, PartEmbedding, ThemeAssignment, ThemeDecision
from submissions.models.transcript import Transcript, TranscriptState
from submissions.models.translation import (
    Job,
    JobKind,
    JobStatus,
    Segment,
    SegmentTranslation,
    TranslationStatus,
)
from submissions.models.view_index import ViewIndex, ViewTheme

__all__ = [
    "Address",
    "AnalystNote",
    "ApiToken",
    "Assignment",
    "Attendee",
    "AuditEntry",
    "Base",
    "CandidateTheme",
    "CannedReply",
    "Channel",
    "Codeframe",
    "Coding",
    "CodingItem",
    "CodingRound",
    "ContactKind",
    "Conversation",
    "ConversationAddress",
    "ConversationForum",
    "Delivery",
    "DeliveryKind",
    "DeliveryReceipt",
    "DeliveryStatus",
    "DemonstrationView",
    "DeskSession",
    "Direction",
    "EarlierText",
    "Evidence",
    "EvidenceContribution",
    "EvidenceSession",
    "ExportJob",
    "ExportState",
    "FollowUp",
    "FollowUpRecipient",
    "FollowUpState",
    "FollowUpText",
    "Forgetting",
    "Forum",
    "ForumLinkWay",
    "HearBack",
    "Job",
    "JobKind",
    "JobStatus",
    "MediaFile",
    "MediaState",
    "Message",
    "MessageTemplate",
    "Offer",
    "OfferState",
    "OptOut",
    "OptOutWay",
    "Outcome",
    "OutcomeAnnouncement",
    "OutcomeState",
    "OutcomeText",
    "PaperBatch",
    "PaperForm",
    "PartEmbedding",
    "Purpose",
    "RecipientState",
    "Recoding",
    "RecoveryCode",
    "Redaction",
    "RedactionSpan",
    "Reply",
    "ReplyState",
    "Reviewer",
    "Role",
    "SafeguardingCase",
    "SafeguardingLead",
    "SafeguardingOutcome",
    "SavedView",
    "Segment",
    "SegmentTranslation",
    "SendingState",
    "SessionChange",
    "SessionFile",
    "SignInStep",
    "Stakeholder",
    "StakeholderContact",
    "StakeholderKind",
    "StakeholderSession",
    "StakeholderSubmission",
    "SubCode",
    "Submission",
    "SubmissionPart",
    "SubmissionStatus",
    "ThemeAssignment",
    "ThemeDecision",
    "Transcript",
    "TranscriptState",
    "TranslationStatus",
    "ViewIndex",
    "ViewTheme",
    "utc_now",
]
