"""Writes out, for the model only, what people shorten in messages: "vc nao pode" is read as "você não pode".

Models were trained on printed language and copy what they do not know. The resident's words are not
touched: the original is kept and shown, only the model gets the longer spelling. Nothing is replaced that
could be another word.
"""

from __future__ import annotations

import re

_PORTUGUESE = {
    "vc": "você", "vcs": "vocês", "voce": "você", "voces": "vocês", "nao": "não", "n": "não",
    "ñ": "não", "naum": "não", "tb": "também", "tbm": "também", "tambem": "também", "pq": "porque",
    "q": "que", "qd": "quando", "qdo": "quando", "qnd": "quando", "hj": "hoje", "mt": "muito",
    "mto": "muito", "mta": "muita", "ta": "está", "tá": "está", "tao": "tão", "tô": "estou",
    "to": "estou", "cmg": "comigo", "ctg": "contigo", "msm": "mesmo", "obg": "obrigado",
    "obgd": "obrigado", "vlw": "obrigado", "pfv": "por favor", "pf": "por favor", "blz": "tudo bem",
    "td": "tudo", "tds": "todos", "gnt": "gente", "p": "para", "pra": "para", "pro": "para o",
    "pras": "para as", "pros": "para os", "c": "com", "d": "de", "kd": "cadê", "dps": "depois",
    "agr": "agora", "sao": "são", "criancas": "crianças", "crianca": "criança", "ja": "já",
    "ate": "até", "la": "lá", "ha": "há", "so": "só", "seguranca": "segurança", "policia": "polícia",
    "onibus": "ônibus", "familia": "família", "familias": "famílias", "ingles": "inglês",
    "portugues": "português", "mes": "mês", "tres": "três", "agua": "água", "informacao": "informação",
    "informacoes": "informações", "reuniao": "reunião", "situacao": "situação", "educacao": "educação",
    "habitacao": "habitação", "saude": "saúde", "medico": "médico", "dificil": "difícil",
    "possivel": "possível", "servico": "serviço", "servicos": "serviços", "horario": "horário",
    "numero": "número", "area": "área", "tambêm": "também", "alguem": "alguém", "ninguem": "ninguém",
    "ruido": "ruído", "transito": "trânsito", "comercio": "comércio", "vizinhanca": "vizinhança",
    "opiniao": "opinião", "preco": "preço", "precos": "preços", "cancao": "canção", "estao": "estão",
    "vao": "vão", "irmao": "irmão", "mae": "mãe", "maes": "mães", "amanha": "amanhã", "manha": "manhã",
    "entao": "então", "atras": "atrás", "proximo": "próximo", "proxima": "próxima", "ultimo": "último",
    "ultima": "última", "unico": "único", "publico": "público", "publicos": "públicos",
    "predio": "prédio", "lixao": "lixão", "fds": "fim de semana",
}  # fmt: skip
_SPANISH = {
    "xq": "porque", "pq": "porque", "q": "que", "tb": "también", "tmb": "también", "tambien": "también",
    "xfa": "por favor", "x": "por", "d": "de", "k": "que", "kiero": "quiero", "bn": "bien",
    "mñn": "mañana", "policia": "policía", "autobus": "autobús", "reunion": "reunión",
    "opinion": "opinión", "dias": "días", "aqui": "aquí", "alli": "allí", "asi": "así",
    "ningun": "ningún", "ingles": "inglés",
}  # fmt: skip
_FRENCH = {
    "svp": "s'il vous plaît", "stp": "s'il te plaît", "slt": "salut", "bjr": "bonjour",
    "pcq": "parce que", "pk": "pourquoi", "bcp": "beaucoup", "tjrs": "toujours", "tjs": "toujours",
    "qd": "quand", "ds": "dans", "pr": "pour", "c": "c'est", "jai": "j'ai", "cest": "c'est",
    "mtn": "maintenant", "rdv": "rendez-vous", "ecole": "école", "ecoles": "écoles", "tres": "très",
    "apres": "après", "securite": "sécurité", "g": "j'ai",
}  # fmt: skip
SPELLINGS: dict[str, dict[str, str]] = {"pt": _PORTUGUESE, "es": _SPANISH, "fr": _FRENCH}

# One letter alone is an abbreviation between lower-case words only: "n 5", "plan C" and initials stay.
_WORD = re.compile(r"(?<![\w@./:-])([^\W\d_]+)(?![\w@/:]|\.\w|-\w|\.(?=\s*\d))")


def spell_out(sentence: str, language: str) -> str:
    """The sentence with shortened words written out and SHOUTING in ordinary letters; otherwise unchanged."""
    text = _calm(sentence, language)
    spellings = SPELLINGS.get(language)
    if spellings is None:
        return text

    def replace(match: re.Match[str]) -> str:
        word = match.group(1)
        full = spellings.get(word.lower())
        if full is None or (len(word) == 1 and not _stands_among_words(text, match)):
            return word
        if word.isupper() and len(word) > 1:
            return word  # "TB", "PRO": a name of something
        return full[0].upper() + full[1:] if word[0].isupper() else full

    return _WORD.sub(replace, text)


def _stands_among_words(text: str, match: re.Match[str]) -> bool:
    after = text[match.end() :].lstrip()
    return match.group(1).islower() and bool(after) and after[0].isalpha()


def _calm(sentence: str, language: str) -> str:
    """A sentence written in capitals throughout, in small letters with a capital at its start."""
    letters = [char for char in sentence if char.isalpha() and char.lower() != char.upper()]
    if len(letters) < 12 or sum(char.isupper() for char in letters) < 0.9 * len(letters):
        return sentence
    if language == "tr":
        sentence = sentence.replace("I", "ı").replace("İ", "i")
    calm = sentence.lower()
    first = next(index for index, char in enumerate(calm) if char.isalpha())
    return calm[:first] + calm[first].upper() + calm[first + 1 :]
