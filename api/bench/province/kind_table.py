"""The kinds that a province has beside the shipped catalogue's, one a line.

Real names of certificates in use; what stands on them is the form's (see `kinds`), their codes are invented.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Form(StrEnum):
    """What a kind's face, holders and page are."""

    LICENCE = "licence"  # of an organisation, limited
    CARD = "card"  # of a person, limited or not
    PERMIT = "permit"  # for a project of one or several, for as long as it takes


@dataclass(frozen=True, slots=True)
class FurtherKind:
    """`mark`: what its numbers begin with; `years`: None without an end; `subject`: what it permits."""

    name: str
    name_en: str
    authority: str
    form: Form
    mark: str
    years: int | None
    subject: str


_L, _C, _P = Form.LICENCE, Form.CARD, Form.PERMIT

FURTHER: Final = (
    FurtherKind(
        "食品小作坊登记证", "Small Food Workshop Registration", "market", _L, "ZF", 3, "糕点、豆制品加工"
    ),
    FurtherKind("药品生产许可证", "Drug Manufacturing Licence", "market", _L, "YS", 5, "片剂、胶囊剂"),
    FurtherKind(
        "医疗器械生产许可证", "Medical Device Manufacturing Licence", "market", _L, "QS", 5, "注射输液器具"
    ),
    FurtherKind("化妆品生产许可证", "Cosmetics Manufacturing Licence", "market", _L, "HZ", 5, "膏霜乳液单元"),
    FurtherKind(
        "特种设备生产许可证", "Special Equipment Manufacturing Licence", "market", _L, "TS", 4, "压力管道安装"
    ),
    FurtherKind("工业产品生产许可证", "Industrial Product Licence", "market", _L, "XK", 5, "电线电缆"),
    FurtherKind("检验检测机构资质认定证书", "Testing Body Accreditation", "market", _L, "CMA", 6, "建材检测"),
    FurtherKind(
        "计量标准考核证书", "Measurement Standard Certificate", "market", _L, "JL", 5, "衡器检定装置"
    ),
    FurtherKind("特种设备作业人员证", "Special Equipment Operator Card", "market", _C, "TZ", 4, "叉车司机"),
    FurtherKind("食品安全管理员证", "Food Safety Manager Card", "market", _C, "SG", 3, "餐饮服务"),
    FurtherKind("安全生产许可证", "Work Safety Licence", "emergency", _L, "AQ", 3, "建筑施工"),
    FurtherKind("烟花爆竹经营许可证", "Fireworks Trading Licence", "emergency", _L, "YHB", 3, "烟花爆竹零售"),
    FurtherKind(
        "危险化学品安全使用许可证", "Hazardous Chemicals Use Licence", "emergency", _L, "WHS", 3, "液氨使用"
    ),
    FurtherKind(
        "安全评价机构资质证书", "Safety Assessor Certificate", "emergency", _L, "AP", 5, "金属冶炼评价"
    ),
    FurtherKind(
        "安全生产知识考核合格证", "Work Safety Examination Card", "emergency", _C, "AZ", 3, "主要负责人"
    ),
    FurtherKind(
        "建筑业企业资质证书", "Construction Enterprise Certificate", "housing", _L, "D2", 5, "市政总承包贰级"
    ),
    FurtherKind("房地产开发企业资质证书", "Developer Certificate", "housing", _L, "FK", 3, "房地产开发二级"),
    FurtherKind("工程监理资质证书", "Supervision Certificate", "housing", _L, "E1", 5, "房屋建筑工程监理"),
    FurtherKind("燃气经营许可证", "Gas Trading Licence", "housing", _L, "RQ", 4, "瓶装液化石油气"),
    FurtherKind(
        "二级建造师注册证书", "Registered Constructor Certificate", "housing", _C, "JZ", 3, "建筑工程"
    ),
    FurtherKind(
        "建筑施工特种作业操作资格证", "Construction Operator Card", "housing", _C, "JT", 2, "塔式起重机司机"
    ),
    FurtherKind(
        "城市绿地占用许可证", "Green Space Occupation Permit", "housing", _P, "LD", 1, "临时占用城市绿地"
    ),
    FurtherKind("建筑垃圾处置核准证", "Construction Waste Permit", "housing", _P, "ZT", 1, "建筑垃圾运输"),
    FurtherKind(
        "燃气设施改动许可证", "Gas Facility Alteration Permit", "housing", _P, "RG", 1, "燃气管道改线"
    ),
    FurtherKind("采矿许可证", "Mining Licence", "natural_resources", _L, "C99", 10, "建筑用石料开采"),
    FurtherKind("勘查许可证", "Exploration Licence", "natural_resources", _L, "T99", 5, "地热普查"),
    FurtherKind("测绘资质证书", "Surveying Certificate", "natural_resources", _L, "CH", 5, "工程测量"),
    FurtherKind("林木采伐许可证", "Felling Permit", "natural_resources", _P, "LM", 1, "人工林抚育采伐"),
    FurtherKind(
        "林草种子生产经营许可证", "Forest Seed Licence", "natural_resources", _L, "LZ", 5, "绿化苗木"
    ),
    FurtherKind(
        "临时用地批准书", "Temporary Land Use Approval", "natural_resources", _P, "LY", 2, "施工便道"
    ),
    FurtherKind("放射诊疗许可证", "Radiology Licence", "health", _L, "WF", 4, "医用X射线影像诊断"),
    FurtherKind("母婴保健技术服务执业许可证", "Maternal Care Licence", "health", _L, "MY", 3, "助产技术"),
    FurtherKind("饮用水供水单位卫生许可证", "Water Supply Hygiene Permit", "health", _L, "GS", 4, "二次供水"),
    FurtherKind(
        "母婴保健技术考核合格证书", "Maternal Care Skill Card", "health", _C, "MK", 3, "婚前医学检查"
    ),
    FurtherKind("从业人员健康证明", "Health Card of Employees", "health", _C, "JK", 1, "食品、公共场所"),
    FurtherKind("养老机构备案证书", "Care Home Registration", "civil_affairs", _L, "YL", 5, "集中居住和照料"),
    FurtherKind(
        "慈善组织公开募捐资格证书", "Public Fundraising Certificate", "civil_affairs", _L, "CS", 5, "公开募捐"
    ),
    FurtherKind("收养登记证", "Adoption Registration", "civil_affairs", _C, "SY", None, "收养关系成立"),
    FurtherKind(
        "道路旅客运输经营许可证", "Passenger Transport Licence", "transport", _L, "KY", 4, "县际班车客运"
    ),
    FurtherKind("网络预约出租汽车经营许可证", "Ride-hailing Licence", "transport", _L, "WY", 4, "网约车经营"),
    FurtherKind("港口经营许可证", "Port Operation Licence", "transport", _L, "GK", 3, "货物装卸仓储"),
    FurtherKind(
        "网络预约出租汽车驾驶员证", "Ride-hailing Driver Card", "transport", _C, "WJ", 3, "网约车驾驶"
    ),
    FurtherKind("船员适任证书", "Seafarer Certificate", "transport", _C, "CY", 5, "内河船舶驾驶"),
    FurtherKind(
        "超限运输车辆通行证", "Oversize Transport Permit", "transport", _P, "CX", 1, "不可解体物品运输"
    ),
    FurtherKind(
        "普通话水平测试等级证书", "Mandarin Proficiency Certificate", "education", _C, "PTH", None, "二级甲等"
    ),
    FurtherKind("校车使用许可证", "School Bus Permit", "education", _P, "XC", 1, "小学生专用校车"),
    FurtherKind(
        "节能审查批准书", "Energy Review Approval", "development_reform", _P, "JN", 2, "年综合能源消费量审查"
    ),
    FurtherKind("危险废物经营许可证", "Hazardous Waste Licence", "ecology", _L, "WX", 5, "废矿物油收集"),
    FurtherKind("辐射安全许可证", "Radiation Safety Licence", "ecology", _L, "FS", 5, "使用III类射线装置"),
    FurtherKind("河道采砂许可证", "River Sand Licence", "water", _P, "CSZ", 1, "河道清淤采砂"),
    FurtherKind(
        "生产建设项目水土保持批准书", "Soil Conservation Approval", "water", _P, "SB", 3, "水土保持方案"
    ),
    FurtherKind(
        "人力资源服务许可证", "Recruitment Service Licence", "human_resources", _L, "RL", 5, "职业中介"
    ),
    FurtherKind(
        "专业技术资格证书", "Professional Title Certificate", "human_resources", _C, "ZY", None, "工程师"
    ),
    FurtherKind(
        "职业技能等级证书", "Vocational Skill Certificate", "human_resources", _C, "JN3", None, "高级工"
    ),
    FurtherKind("旅馆业特种行业许可证", "Hotel Trade Licence", "public_security", _L, "TH", 5, "住宿服务"),
    FurtherKind("保安服务许可证", "Security Service Licence", "public_security", _L, "BA", 5, "门卫、巡逻"),
    FurtherKind("保安员证", "Security Guard Card", "public_security", _C, "BY", None, "保安员"),
    FurtherKind(
        "动物防疫条件合格证", "Animal Epidemic Prevention Certificate", "approvals", _L, "DF", 5, "生猪屠宰场"
    ),
)
