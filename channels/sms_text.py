"""What a text costs as SMS. The rules are `submissions.sms_text`, since the desk shows costs as well."""

from submissions.sms_text import (
    SmsEncoding,
    SmsSize,
    count_sms_parts,
    measure_sms,
    sms_encoding,
    sms_lines,
)

__all__ = ["SmsEncoding", "SmsSize", "count_sms_parts", "measure_sms", "sms_encoding", "sms_lines"]
