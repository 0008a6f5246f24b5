-- What each clinic's database holds, in the words of the SQL Server that the files were copied from.
CREATE TABLE VisitType (Id int NOT NULL PRIMARY KEY, Code nvarchar(10) NOT NULL, Title nvarchar(100), Minutes int);
CREATE TABLE Patient (
    Id int NOT NULL PRIMARY KEY, FileNumber varchar(20), LastName nvarchar(100), FirstName nvarchar(100),
    Born date, Phone1 varchar(40), Phone1Kind varchar(10), Phone2 varchar(40), Phone2Kind varchar(10),
    Email nvarchar(200), Active bit, ReferredBy int, Created datetime2(3), Changed datetime2(3)
);
CREATE TABLE Visit (
    Id uniqueidentifier NOT NULL PRIMARY KEY, PatientId int, TypeId int, DoctorEmail nvarchar(200), Began datetime,
    Notes "nvarchar(max)"
);
CREATE TABLE Invoice (
    Number varchar(20) NOT NULL PRIMARY KEY, PatientId int, VisitId uniqueidentifier, Issued date, Total decimal(10, 2),
    Paid bit
);
CREATE TABLE InvoiceLine (
    Number varchar(20) NOT NULL, Line int NOT NULL, What nvarchar(200), Amount decimal(10, 2), PRIMARY KEY (Number, Line)
);
