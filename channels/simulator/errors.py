"""Refusals in Twilio's own form: an HTTP status and a JSON body with code, message, more_info and status."""

from __future__ import annotations

from channels.errors import ChannelError

# code -> (HTTP status, message). Sources: https://www.twilio.com/docs/api/errors/<code>
REFUSALS: dict[int, tuple[int, str]] = {
    20001: (400, "Invalid parameter"),
    20003: (401, "Authenticate"),
    20009: (409, "The message is still on its way"),
    20404: (404, "The requested resource was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "An internal server error has occurred"),
    20503: (503, "The service is unavailable"),
    21211: (400, "Invalid 'To' Phone Number"),
    21408: (400, "Permission to send an SMS has not been enabled for the region"),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (400, "The 'From' phone number provided is not a valid message-capable Twilio phone number"),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    21619: (400, "A text message body or media urls must be specified."),
    21655: (400, "The ContentSid Parameter is invalid"),
    21656: (400, "The ContentVariables Parameter is invalid"),
    21701: (400, "The Messaging Service does not exist"),
    21910: (400, "Invalid From and To pair. From and To should be of the same channel"),
    30409: (409, "The message cannot be canceled any more"),
    35111: (400, "SendAt parameter is required"),
    35115: (400, "SendAt time must be between 15 minutes and 35 days in the future"),
    35118: (400, "MessagingServiceSid is required to schedule a message"),
    63007: (400, "Twilio could not find a Channel with the specified From address"),
    63016: (400, "Failed to send freeform message outside the allowed window"),
    63018: (429, "Rate limit exceeded for Channel"),
    92001: (400, "The content template is not valid"),
    92002: (400, "The content template cannot be submitted for approval"),
}


class StandInRefusal(ChannelError):
    """A request is not as Twilio wants it, or a switch says so. `detail` is added to the usual message."""

    def __init__(self, code: int, detail: str = "") -> None:
        self.code = code
        self.http_status, message = REFUSALS[code]
        self.message = f"{message}: {detail}" if detail else message
        super().__init__(f"{code} {self.message}")

    def body(self) -> dict[str, object]:
        return {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.http_status,
        }
