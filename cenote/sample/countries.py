"""Sixteen countries: common names, cities, streets, and what postal codes and phone numbers look like.

Belongs here: the table. Must not: people (people.py).
"""
# ruff: noqa: E501 - a table

from dataclasses import dataclass


@dataclass(frozen=True)
class Country:
    """What names, addresses and numbers look like in a country. ``native|latin`` gives a name's spelling in e-mails.

    Patterns are those of :func:`cenote.sample.people.fill`; ``{n}`` in a street is a house number.
    """

    weight: int
    language: str
    currency: str
    offset: int
    given: str
    family: str
    cities: str
    streets: str
    postal: str
    phone: str
    order: str = "{given} {family}"


_US_STREETS = "{n} Maple Avenue;{n} Oak Street;{n} Lincoln Road;{n} Sunset Boulevard;{n} Washington Street, Apt 4B"
_GB_STREETS = "{n} High Street;{n} Church Lane;Flat 2, {n} Station Road;{n} Victoria Terrace;{n} The Green"
COUNTRIES = {
    "US": Country(28, "en", "USD", -5, "James Mary Robert Linda Michael Jennifer William Karen David Ashley Tyrone Keisha Luis Grace",
                  "Smith Johnson Williams Brown Jones Miller Davis O'Connor Anderson Taylor Nguyen Washington Martinez Lee",
                  "New York;Chicago;Houston;Portland;Denver;Saint Paul", _US_STREETS, "#####", "+1 (+##) +##-####"),
    "GB": Country(13, "en", "GBP", 0, "Oliver Amelia Harry Isla George Ava Alfie Poppy Callum Siân Zoë Rhys",
                  "Smith Jones Taylor Evans Wilson Patel Hughes Campbell MacDonald D'Arcy Ward Shaw",
                  "London;Leeds;Bristol;Glasgow;Cardiff", _GB_STREETS, "@@# #@@", "+44 7### ######"),
    "IE": Country(3, "en", "EUR", 0, "Aoife Conor Niamh Seán Ciarán Saoirse Pádraig Róisín",
                  "O'Brien Murphy Kelly O'Sullivan Walsh Byrne Ní_Dhomhnaill Doyle",
                  "Dublin;Cork;Galway", _GB_STREETS, "@## @###", "+353 8# ### ####"),
    "DE": Country(10, "de", "EUR", 2, "Jürgen Sabine Lukas Hannah Björn Käthe Felix Jana Günther Mia Sören Ulrike",
                  "Müller Schmidt Schneider Weiß Fischer Groß Bäcker Hoffmann Köhler von_Arnim Vogel Krüger",
                  "Berlin;Hamburg;München;Köln;Görlitz", "Lindenstraße {n};Am Markt {n};Schulweg {n}a;Goethestraße {n}",
                  "#####", "+49 15# ########"),
    "FR": Country(9, "fr", "EUR", 2, "Camille Lucas Léa Hugo Chloé Noël Anaïs François Zoé Jean-Luc Hélène Théo",
                  "Martin Bernard Dubois Lefèvre Garçon D'Angelo Moreau Fontaine Lemaître Roux Boyer Guérin",
                  "Paris;Lyon;Nantes;Besançon;Orléans", "{n} rue des Lilas;{n} bis avenue Victor-Hugo;{n} place du Marché",
                  "#####", "+33 6 ## ## ## ##"),
    "ES": Country(9, "es", "EUR", 2, "María Antonio Lucía José Íñigo Carmen Álvaro Begoña Sofía Andrés Núria Jesús",
                  "García Fernández González Muñoz Peña López Ibáñez Díaz Castaño Ruiz Vázquez Soler",
                  "Madrid;Sevilla;A Coruña;Málaga;Bilbao", "Calle Mayor {n};Avenida de la Constitución {n};Plaza de España {n}",
                  "#####", "+34 6## ### ###", "{given} {family} {second}"),
    "MX": Country(5, "es", "MXN", -6, "Guadalupe Juan Ximena Diego Fernanda Jesús Itzel Raúl",
                  "Hernández Martínez Ramírez Flores Gómez Rivera Chávez Zúñiga",
                  "Ciudad de México;Guadalajara;Mérida;Monterrey", "Calle Hidalgo {n};Avenida Juárez {n};Calle 60 núm. {n}",
                  "#####", "+52 55 #### ####", "{given} {family} {second}"),
    "IT": Country(4, "en", "EUR", 2, "Giulia Matteo Niccolò Chiara Luca Beatrice", "Rossi Bianchi D'Amico Esposito Cantù Dell'Acqua",
                  "Roma;Milano;Forlì", "Via Garibaldi {n};Piazza Dante {n}", "#####", "+39 3## ### ####"),
    "PL": Country(3, "en", "PLN", 2, "Zofia Paweł Małgorzata Łukasz Agnieszka Michał", "Wójcik Kamiński Dąbrowska Żak Nowak Śliwa",
                  "Kraków;Łódź;Wrocław", "ul. Długa {n};ul. Kościuszki {n}", "##-###", "+48 6## ### ###"),
    "SE": Country(3, "en", "SEK", 2, "Åsa Björn Linnéa Östen Maja Göran", "Lindström Åkesson Sjöberg Öhman Nilsson Ek",
                  "Malmö;Göteborg;Umeå", "Storgatan {n};Åkervägen {n}", "### ##", "+46 70 ### ## ##"),
    "TR": Country(2, "en", "TRY", 3, "İrem Çağlar Şule Gökhan Iğdır Ömer", "Yılmaz Şahin Öztürk Çelik Doğan Aydın",
                  "İstanbul;İzmir", "Atatürk Caddesi {n};Gül Sokak {n}", "#####", "+90 5## ### ## ##"),
    "BR": Country(4, "en", "BRL", -3, "João Letícia Antônio Conceição Rafael Inês", "da_Silva Souza Gonçalves Araújo Simões Conceição",
                  "São Paulo;Belém;Florianópolis", "Rua das Flores, {n};Avenida Brasil, {n}", "#####-###", "+55 11 9####-####"),
    "IN": Country(3, "en", "INR", 5, "Aarav|Aarav Priya Ananya Arjun लक्ष्मी|Lakshmi राहुल|Rahul", "Sharma Patel Iyer शर्मा|Sharma Singh Reddy",
                  "Mumbai;Pune;Chennai", "{n} MG Road;{n} Nehru Street", "######", "+91 9#### #####"),
    "JP": Country(2, "en", "JPY", 9, "花子|Hanako 太郎|Taro 美咲|Misaki 健|Ken さくら|Sakura", "佐藤|Sato 鈴木|Suzuki 高橋|Takahashi 渡辺|Watanabe",
                  "東京;大阪;札幌", "中央区銀座{n}丁目;北区梅田{n}番", "###-####", "+81 90-####-####", "{family} {given}"),
    "CN": Country(1, "en", "CNY", 8, "伟|Wei 芳|Fang 秀英|Xiuying 磊|Lei", "王|Wang 李|Li 张|Zhang 欧阳|Ouyang",
                  "上海;北京", "南京东路{n}号;人民路{n}号", "######", "+86 13# #### ####", "{family}{given}"),
    "EG": Country(1, "en", "EGP", 2, "محمد|Mohamed فاطمة|Fatma أحمد|Ahmed ليلى|Layla", "حسن|Hassan إبراهيم|Ibrahim السيد|ElSayed عبد_الله|Abdallah",
                  "القاهرة;الإسكندرية", "{n} شارع التحرير;{n} شارع النيل", "#####", "+20 10 #### ####"),
}  # fmt: skip
