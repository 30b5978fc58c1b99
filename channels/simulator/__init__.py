"""A stand-in of Twilio for trying SMS and WhatsApp without an account, and for tests."""
