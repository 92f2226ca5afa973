"""What people write over a column, or before a value, that says what it is. All in small letters."""

UNION_ID_LABELS = frozenset({"unionid", "union_id", "union id", "dingtalk unionid", "钉钉unionid"})
PHONE_LABELS = frozenset(
    {
        "phone",
        "phone number",
        "phonenumber",
        "phone_number",
        "mobile",
        "mobile phone",
        "mobile number",
        "cell",
    }
    | {"tel", "tel.", "telephone", "手机", "手机号", "手机号码", "电话", "电话号码", "联系电话", "联系方式"}
)
NAME_LABELS = frozenset(
    {"name", "nick", "nickname", "nick name", "full name", "display name"}
    | {"姓名", "名字", "名称", "昵称", "联系人", "成员"}
)
