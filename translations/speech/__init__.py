"""Text from recorded speech, offline: probing a recording, transcribing it, and judging the transcript."""
