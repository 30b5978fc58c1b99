"""What can go wrong in translation. An error carries its facts as attributes and never a resident's words."""

from __future__ import annotations


class TranslationError(Exception):
    """Base of all errors of this package."""


class LanguagePairNotInstalled(TranslationError):
    """No chain of installed models joins the two languages; installing a package may help."""

    def __init__(self, source_language: str | None, target_language: str) -> None:
        super().__init__(
            f"no installed model translates {source_language or 'an unknown language'} to {target_language}"
        )
        self.source_language = source_language
        self.target_language = target_language


class TranslationFailed(TranslationError):
    """The model returned nothing usable, or stopped; trying again with the same model will not help.

    `reason` is one of `empty`, `untranslated`, `crashed`, `too_long`; `model` names what failed.
    """

    def __init__(self, reason: str, model: str, detail: str = "") -> None:
        super().__init__(f"{model}: {reason}{f' ({detail})' if detail else ''}")
        self.reason = reason
        self.model = model
        self.detail = detail


class ModelNotLoaded(TranslationError):
    """An installed model could not be read; `ownwords languages verify` says which file is wrong."""

    def __init__(self, model: str, detail: str) -> None:
        super().__init__(f"{model} could not be loaded: {detail}")
        self.model = model
        self.detail = detail


class PackageError(TranslationError):
    """Base of what can go wrong with a language package."""


class PackageRefused(PackageError):
    """The file is not a package we install: damaged, unsafe, or of a format we do not know. `reason` is
    plain English."""

    def __init__(self, package: str, reason: str) -> None:
        super().__init__(f"{package} was not installed: {reason}")
        self.package = package
        self.reason = reason


class PackageNotFound(PackageError):
    """Neither the index nor the folder has such a package."""

    def __init__(self, package: str, where: str) -> None:
        super().__init__(f"there is no package {package} in {where}")
        self.package = package
        self.where = where


class PackageSourceUnavailable(PackageError):
    """The index or the package could not be fetched; trying again later may help."""

    def __init__(self, where: str, detail: str) -> None:
        super().__init__(f"{where} could not be read: {detail}")
        self.where = where
        self.detail = detail
