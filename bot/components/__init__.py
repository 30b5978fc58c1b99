"""Parts of our own for Rasa's pipeline: sentence features, the classifier, and the generator of message
keys."""
