"""What the titles of tables mean, in the spellings that people and programs use."""

from __future__ import annotations

import re
from collections.abc import Mapping

_FILES = """
file filename file_name image_file image_filename image_file_name filepath file_path image_path img_path image img
path image_name img_name imagename picture picture_name photo photo_name image_id img_id imageid photo_id picture_id
id image_url img_url url uri image_uri image_gcs_uri gcs_uri source_ref external_id file_upload asset asset_name
location local_path full_path relative_path name datei bild fichier archivo imagen immagine arquivo imagem файл
изображение ファイル ファイル名 画像 文件 文件名 图片 图像 图片名称 圖片 파일 파일명 이미지
"""
_LABELS = """
label class class_name classname class_label category category_name categories label_name labels classes species
breed choice tag tags display_name classification_annotation_display_name target target_name annotation annotations
diagnosis dx ground_truth gt truth answer variety genus family type kind subject object disease disease_name
common_name scientific_name image_class image_label y klasse kategorie etikett classe catégorie étiquette clase
categoría etiqueta categoria etichetta категория класс метка вид ラベル クラス 分類 类别 标签 分类 類別 標籤 클래스
라벨 분류
"""
_PARTS = """
set split subset part partition usage phase fold ml_use dataset data_set dataset_split datasplit aufteilung
"""
_GROUPS = """
group group_id patient patient_id subject_id lesion_id individual individual_id session session_id sequence_id seq_id
"""
_NUMBERED = ("id", "idx", "index", "no", "nr", "num", "number", "code")
_LATE = 1000

FILE_TITLES = {title: rank for rank, title in enumerate(_FILES.split())}
LABEL_TITLES = {title: rank for rank, title in enumerate(_LABELS.split())}
PART_TITLES = {title: rank for rank, title in enumerate(_PARTS.split())}
GROUP_TITLES = {title: rank for rank, title in enumerate(_GROUPS.split())}


def plain_title(title: str) -> str:
    """A title as these lists have it: `Image File`, `imageFile` and `image-file` are `image_file`."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", title.strip())
    return "_".join(re.split(r"[\W_]+", spaced.casefold())).strip("_")


def rank(title: str, known: Mapping[str, int]) -> int | None:
    """How well a title says what `known` are titles of, 0 the best; None if it does not say it."""
    plain = plain_title(title)
    if plain in known:
        return known[plain]
    joined = plain.replace("_", "")
    return known.get(joined)


def label_rank(title: str) -> int | None:
    """The same for labels: also `dog_breed` and, after all others, `label_id` and `class 2`."""
    exact = rank(title, LABEL_TITLES)
    if exact is not None:
        return exact
    words = plain_title(title).split("_")
    if len(words) > 1 and (words[-1] in _NUMBERED or words[-1].isdigit()):
        above = LABEL_TITLES.get("_".join(words[:-1]))
        return None if above is None else 2 * _LATE + above
    return _LATE + LABEL_TITLES[words[-1]] if words[-1] in LABEL_TITLES else None
